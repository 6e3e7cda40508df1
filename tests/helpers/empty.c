/* Keeps the helper library non-empty while there is no other helper. */
typedef int tests_helpers_empty;
