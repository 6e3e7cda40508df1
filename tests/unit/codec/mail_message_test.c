/* Mails: what is written, and what cannot get into it. */
#include "codec/mail_message.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct mail_message message(void)
{
    return (struct mail_message){
        .from = BYTES("Alerts <alerts@example.org>"),
        .to = BYTES("ada@example.com"),
        .subject = BYTES("[HIGH] pump-1"),
        .text = BYTES("hello\n"),
        .id = BYTES("0b5e5f6e-7d0c-4a44-8a68-0f6f0d6f3d11"),
        .date_s = 1800000000,
    };
}

static const char *write(struct buf *b, const struct mail_message *m)
{
    buf_clear(b);
    assert_int_equal(mail_message_write(b, m), ERR_OK);
    return buf_cstr(b);
}

static void a_plain_mail_reads_as_expected(void **state)
{
    struct buf b;
    struct mail_message m = message();
    (void)state;
    buf_init(&b, 1 << 16);
    assert_string_equal(write(&b, &m),
                        "From: =?UTF-8?B?QWxlcnRz?= <alerts@example.org>\r\n"
                        "To: <ada@example.com>\r\n"
                        "Subject: [HIGH] pump-1\r\n"
                        "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"
                        "Message-ID: <0b5e5f6e-7d0c-4a44-8a68-0f6f0d6f3d11@example.org>\r\n"
                        "X-SensorVision-Delivery: 0b5e5f6e-7d0c-4a44-8a68-0f6f0d6f3d11\r\n"
                        "Auto-Submitted: auto-generated\r\n"
                        "MIME-Version: 1.0\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                        "hello\r\n\r\n");
    buf_done(&b);
}

/* Lines of the head that begin a header of this name. */
static int headers(const char *text, const char *name)
{
    int n = 0;
    const char *end = strstr(text, "\r\n\r\n");
    for (const char *line = text; line && line < end; line = strstr(line, "\r\n")) {
        if (line != text) line += 2;
        n += strncmp(line, name, strlen(name)) == 0;
        if (line == text) line++;
    }
    return n;
}

static void no_value_can_add_a_header(void **state)
{
    static const char *const evil[] = {"a\r\nBcc: eve@example.org", "a\nBcc: eve@example.org",
                                       "a\rBcc: eve@example.org", "\r\n\r\nBcc: body"};
    struct buf b;
    (void)state;
    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < sizeof evil / sizeof *evil; i++) {
        struct mail_message m = message();
        m.subject = bytes_str(evil[i]);
        const char *text = write(&b, &m);
        assert_int_equal(headers(text, "Bcc:"), 0);
        assert_int_equal(headers(text, "Content-Type:"), 1);
        m = message();
        m.to = bytes_str(evil[i]);
        buf_clear(&b);
        assert_int_equal(mail_message_write(&b, &m), ERR_INVALID);
        m = message();
        m.from = bytes_str(evil[i]);
        assert_int_equal(mail_message_write(&b, &m), ERR_INVALID);
        m = message();
        m.id = bytes_str(evil[i]);
        assert_int_equal(mail_message_write(&b, &m), ERR_INVALID);
    }
    buf_done(&b);
}

static void subjects_outside_of_ascii_are_words_that_keep_characters_whole(void **state)
{
    struct buf b;
    struct mail_message m = message();
    (void)state;
    buf_init(&b, 1 << 16);
    m.subject = BYTES("Überhitzung");
    assert_non_null(strstr(write(&b, &m), "Subject: =?UTF-8?B?w5xiZXJoaXR6dW5n?=\r\n"));
    m.subject = BYTES("a\xff\x01z"); /* not UTF-8, and a control character */
    assert_non_null(strstr(write(&b, &m), "Subject: =?UTF-8?B?YT8geg==?=\r\n"));
    /* 15 times three bytes do not fit one word of 42: the cut is between characters */
    m.subject = BYTES("€€€€€€€€€€€€€€€");
    assert_non_null(strstr(write(&b, &m),
                           "=?UTF-8?B?4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs?="
                           "\r\n =?UTF-8?B?4oKs?="));
    buf_done(&b);
}

static void every_line_is_short_and_seven_bit(void **state)
{
    char text[3000];
    struct buf b;
    struct mail_message m = message();
    (void)state;
    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)(i % 256);
    m.text = m.subject = bytes_of(text, sizeof text);
    const char *line = write(&b, &m);
    for (size_t i = 0; i < b.n; i++) assert_true((unsigned char)b.p[i] < 0x7f && b.p[i]);
    for (const char *end; (end = strstr(line, "\r\n")); line = end + 2) {
        assert_true(end - line <= 78);
        assert_null(memchr(line, '\n', (size_t)(end - line)));
        assert_false(line[0] == '.'); /* nothing that SMTP could take for the end */
    }
    buf_done(&b);
}

static void addresses_are_strict(void **state)
{
    static const char *const bad[] = {"",           "a",       "@b",    "a@",     "a b@c",
                                      "a@b@c",      "a@b,c@d", "<a@b>", "a\"b@c", "a@b\r\n",
                                      "\xc3\xa4@b", "a@b;c",   "a(b)@c"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (mail_message_is_address(bytes_str(bad[i]))) fail_msg("taken: %s", bad[i]);
    assert_true(mail_message_is_address(BYTES("a.b+c@d-e.example")));
    assert_true(bytes_is(mail_message_address_of(BYTES(" A \"B\" <a@b> ")), "a@b"));
    assert_true(bytes_is(mail_message_address_of(BYTES("a@b")), "a@b"));
    assert_null(mail_message_address_of(BYTES("A <a b@c>")).p);
    assert_null(mail_message_address_of(BYTES(">")).p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_mail_reads_as_expected),
        cmocka_unit_test(no_value_can_add_a_header),
        cmocka_unit_test(subjects_outside_of_ascii_are_words_that_keep_characters_whole),
        cmocka_unit_test(every_line_is_short_and_seven_bit),
        cmocka_unit_test(addresses_are_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
