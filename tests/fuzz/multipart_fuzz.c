/* multipart/form-data: "content type \n body". Parts lie inside the body, one behind the other. */
#include "codec/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct bytes type, boundary, body = bytes_cut(bytes_of(p, n), '\n', &type);
    struct multipart_part part;
    struct why why = {""};
    if (multipart_boundary(type, &boundary, &why)) return 0;
    bug_if(!boundary.n || boundary.n > 70);
    size_t at = 0, before = 0;
    enum err e;
    while (!(e = multipart_next(body, boundary, &at, &part, &why))) {
        bug_if(at <= before || at > body.n);
        bug_if(part.content.p < body.p + before || part.content.p + part.content.n > body.p + at);
        before = at;
    }
    bug_if(e != ERR_END && e != ERR_INVALID);
    struct multipart_part file;
    e = multipart_file(body, boundary, &file, &why);
    bug_if(e && e != ERR_INVALID);
    return 0;
}
