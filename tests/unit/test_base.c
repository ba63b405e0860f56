/* The base floor: growable bytes, arena, map, order of use, UTF-8, sentences, times. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/lru.h"
#include "base/map.h"
#include "base/near.h"
#include "base/timefmt.h"
#include "base/utf8.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* ---- buf ---- */

static void buf_appends(void **state)
{
    autobuf struct pfs_buf b = PFS_BUF_INIT(0);
    assert_string_equal(pfs_buf_str(&b), "");
    assert_int_equal(b.len, 0);
    pfs_buf_str_add(&b, "a");
    pfs_buf_char(&b, 'b');
    pfs_buf_add(&b, "cde", 2);
    pfs_buf_add(&b, NULL, 0);
    pfs_buf_printf(&b, "%d", 42);
    assert_string_equal(pfs_buf_str(&b), "abcd42");
    assert_int_equal(pfs_buf_error(&b), 0);
}

static void buf_prints_long_text(void **state)
{
    autobuf struct pfs_buf b = PFS_BUF_INIT(0);
    for (int width = 250; width < 260; width++) {
        pfs_buf_reset(&b);
        pfs_buf_printf(&b, "%*d", width, 7);
        assert_int_equal(b.len, width);
        assert_int_equal(b.data[width - 1], '7');
    }
}

static void buf_prints_up_to_its_limit(void **state)
{
    for (int width = 250; width < 300; width++) {
        struct pfs_buf b = PFS_BUF_INIT((size_t)width + 1);
        pfs_buf_char(&b, 'a');
        pfs_buf_printf(&b, "%*d", width, 7);
        assert_int_equal(pfs_buf_error(&b), 0);
        assert_int_equal(b.len, width + 1);
        pfs_buf_done(&b);
        b.limit = (size_t)width;
        pfs_buf_char(&b, 'a');
        pfs_buf_printf(&b, "%*d", width, 7);
        assert_int_equal(pfs_buf_error(&b), -EFBIG);
        assert_int_equal(b.len, 1);
        pfs_buf_done(&b);
    }
}

static void near_counts_edits(void **state)
{
    char longest[PFS_NEAR_WORD_MAX + 1] = "", longer[PFS_NEAR_WORD_MAX + 2] = "";
    memset(longest, 'a', sizeof longest - 1);
    memset(longer, 'a', sizeof longer - 1);
    assert_int_equal(pfs_near_distance("", ""), 0);
    assert_int_equal(pfs_near_distance("", "abc"), 3);
    assert_int_equal(pfs_near_distance("sip.sever", "sip.server"), 1);
    assert_int_equal(pfs_near_distance("kitten", "sitting"), 3);
    assert_int_equal(pfs_near_distance(longest, longest), 0);
    assert_int_equal(pfs_near_distance(longest, ""), PFS_NEAR_WORD_MAX);
    assert_true(pfs_near_distance(longer, "a") == UINT_MAX);
    assert_true(pfs_near_distance("a", longer) == UINT_MAX);
}

static void buf_limit_sticks(void **state)
{
    autobuf struct pfs_buf b = PFS_BUF_INIT(4);
    pfs_buf_str_add(&b, "1234");
    assert_int_equal(pfs_buf_error(&b), 0);
    assert_string_equal(pfs_buf_str(&b), "1234");
    pfs_buf_char(&b, '5');
    assert_int_equal(pfs_buf_error(&b), -EFBIG);
    pfs_buf_reset(&b);
    pfs_buf_str_add(&b, "12345");
    pfs_buf_char(&b, 'x'); /* would fit; the error sticks */
    assert_int_equal(pfs_buf_error(&b), -EFBIG);
    assert_int_equal(b.len, 0);
    pfs_buf_reset(&b);
    assert_int_equal(pfs_buf_error(&b), 0);
}

static void buf_refuses_absurd_sizes(void **state)
{
    autobuf struct pfs_buf b = PFS_BUF_INIT(0);
    pfs_buf_char(&b, 'a');
    assert_null(pfs_buf_reserve(&b, SIZE_MAX));
    assert_int_equal(pfs_buf_error(&b), -EFBIG);
}

/* ---- arena ---- */

static void arena_keeps_apart(void **state)
{
    struct pfs_arena a PFS_CLEANUP(pfs_arena_done) = {0};
    char *blocks[200];
    for (size_t i = 0; i < 200; i++) {
        blocks[i] = pfs_arena_alloc(&a, i * 7);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        for (size_t j = 0; j < i * 7; j++)
            assert_int_equal(blocks[i][j], 0);
        memset(blocks[i], (int)i, i * 7);
    }
    for (size_t i = 1; i < 200; i++)
        assert_int_equal((unsigned char)blocks[i][i * 7 - 1], i);
    assert_non_null(pfs_arena_alloc(&a, 1 << 20));
    assert_string_equal(pfs_arena_strdup(&a, "text"), "text");
    assert_string_equal(pfs_arena_strndup(&a, "text", 2), "te");
    assert_string_equal(pfs_arena_strndup(&a, NULL, 0), "");
    assert_null(pfs_arena_alloc(&a, SIZE_MAX));
    assert_true(a.total > 1 << 20);
}

/* ---- map ---- */

static void map_holds_many(void **state)
{
    struct pfs_map m PFS_CLEANUP(pfs_map_done) = {0};
    static int values[1000];
    assert_null(pfs_map_get_u64(&m, 1));
    assert_null(pfs_map_remove_u64(&m, 1));
    assert_null(pfs_map_next(&m, NULL));
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(pfs_map_put_u64(&m, i, &values[i]), 0);
    for (uint64_t i = 0; i < 1000; i++)
        assert_ptr_equal(pfs_map_get_u64(&m, i), &values[i]);
    size_t n = 0;
    for (struct pfs_map_entry *e = NULL; (e = pfs_map_next(&m, e));)
        n++;
    assert_int_equal(n, 1000);
    for (uint64_t i = 0; i < 1000; i += 2)
        assert_ptr_equal(pfs_map_remove_u64(&m, i), &values[i]);
    assert_int_equal(m.n, 500);
    assert_null(pfs_map_get_u64(&m, 10));
    assert_ptr_equal(pfs_map_get_u64(&m, 11), &values[11]);
}

static void map_replaces(void **state)
{
    struct pfs_map m PFS_CLEANUP(pfs_map_done) = {0};
    int one, two;
    void *old = &two;
    assert_int_equal(pfs_map_put(&m, "k", 1, &one, &old), 0);
    assert_null(old);
    assert_int_equal(pfs_map_put(&m, "k", 1, &two, &old), 0);
    assert_ptr_equal(old, &one);
    assert_int_equal(m.n, 1);
    assert_ptr_equal(pfs_map_get(&m, "k", 1), &two);
    assert_null(pfs_map_get(&m, "k", 2)); /* "k\0" is another key */
    assert_int_equal(pfs_map_put(&m, "", 0, &one, NULL), 0);
    assert_ptr_equal(pfs_map_get(&m, "", 0), &one);
}

/* ---- utf8 ---- */

static void utf8_validity(void **state)
{
    static const struct {
        const char *bytes;
        bool valid;
    } cases[] = {
        {"", true},
        {"plain", true},
        {"\x7f\x01", true},
        {"\xc3\xa9", true},
        {"\xe2\x82\xac", true},
        {"\xed\x9f\xbf", true},
        {"\xee\x80\x80", true},
        {"\xf0\x9f\x98\x80", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"\x80", false},             /* continuation alone */
        {"\xc3", false},             /* cut */
        {"\xe2\x82", false},         /* cut */
        {"\xf0\x9f\x98", false},     /* cut */
        {"\xc0\xaf", false},         /* overlong '/' */
        {"\xc1\xbf", false},         /* overlong */
        {"\xe0\x80\xaf", false},     /* overlong */
        {"\xf0\x80\x80\xaf", false}, /* overlong */
        {"\xed\xa0\x80", false},     /* surrogate */
        {"\xed\xbf\xbf", false},     /* surrogate */
        {"\xf4\x90\x80\x80", false}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", false},
        {"\xff", false},
        {"a\xc3z", false}, /* no continuation */
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++)
        if (pfs_utf8_valid(cases[i].bytes, strlen(cases[i].bytes)) != cases[i].valid)
            fail_msg("case %zu", i);
    assert_true(pfs_utf8_valid("a\0b", 3));
}

static void utf8_decodes(void **state)
{
    uint32_t code = 0;
    assert_int_equal(pfs_utf8_decode("A", 1, &code), 1);
    assert_int_equal(code, 'A');
    assert_int_equal(pfs_utf8_decode("\xe2\x82\xac!", 4, &code), 3);
    assert_int_equal(code, 0x20ac);
    assert_int_equal(pfs_utf8_decode("\xf0\x9f\x98\x80", 4, &code), 4);
    assert_int_equal(code, 0x1f600);
    assert_int_equal(pfs_utf8_decode("\xe2\x82\xac", 2, &code), 0);
}

/* By code points, capital letters as small ones. */
static void utf8_order(void **state)
{
    static const char *const in_order[] = {"",
                                           " x",
                                           "0",
                                           "10",
                                           "2",
                                           "Ann",
                                           "anna",
                                           "ANNB",
                                           "b",
                                           "Z",
                                           "\xc3\x84",
                                           "\xc3\xa4z", /* Ä äz */
                                           "\xc4\x8c",
                                           "\xc4\x8dx", /* Č čx */
                                           "\xc5\x81",
                                           "\xc5\x82x", /* Ł łx */
                                           "\xc5\xbd",
                                           "\xc5\xbex", /* Ž žx */
                                           "\xce\x91",
                                           "\xce\xb1x", /* Alpha */
                                           "\xd0\x90",
                                           "\xd0\xb0x", /* Cyrillic A */
                                           "\xd0\x81",
                                           "\xd1\x91x", /* Yo */
                                           "\xf0\x9f\x98\x80",
                                           "\x80"};
    for (size_t i = 0; i < PFS_N_ELEMENTS(in_order); i++)
        for (size_t j = 0; j < PFS_N_ELEMENTS(in_order); j++) {
            int order = pfs_utf8_compare_folded(in_order[i], in_order[j]);
            if (order != (i > j) - (i < j))
                fail_msg("%s %s: %d", in_order[i], in_order[j], order);
        }
    assert_int_equal(pfs_utf8_compare_folded("ANN \xc3\x89", "ann \xc3\xa9"), 0);
    assert_int_equal(pfs_utf8_compare_folded("\xc3\x97", "\xc3\xb7"), -1); /* two signs, not a letter */
    assert_int_equal(pfs_utf8_compare_folded("\xc5\xb8", "\xc3\xbf"), 0);  /* Ÿ ÿ */
}

/* ---- err ---- */

static void err_sentences(void **state)
{
    struct pfs_err e = {0};
    assert_int_equal(pfs_err_set(NULL, EINVAL, "unseen"), -EINVAL);
    pfs_err_prefix(NULL, "unseen");
    assert_string_equal(pfs_err_text(&e, -ENOENT), "No such file or directory");
    assert_string_equal(pfs_err_text(NULL, -ENOENT), "No such file or directory");
    assert_int_equal(pfs_err_set(&e, EINVAL, "bad %s", "a\nb\x7f"), -EINVAL);
    assert_string_equal(e.msg, "bad a?b?");
    pfs_err_prefix(&e, "line %d", 3);
    assert_string_equal(e.msg, "line 3: bad a?b?");
    pfs_err_set(&e, EINVAL, "again: %s", e.msg); /* from itself */
    assert_string_equal(e.msg, "again: line 3: bad a?b?");
    assert_int_equal(pfs_err_nomem(&e), -ENOMEM);
    assert_string_equal(e.msg, "out of memory");
    assert_int_equal(pfs_err_sys(&e, EACCES, "/x"), -EACCES);
    assert_string_equal(e.msg, "/x: Permission denied");
}

static void err_cuts_at_characters(void **state)
{
    for (int shift = 0; shift < 4; shift++) {
        char text[1024] = "aaa";
        size_t n = (size_t)shift;
        for (; n + 3 < sizeof text; n += 2)
            memcpy(text + n, "é", 3);
        struct pfs_err e;
        pfs_err_set(&e, EINVAL, "%s", text);
        size_t len = strlen(e.msg);
        assert_true(len < PFS_ERR_MAX);
        assert_true(pfs_utf8_valid(e.msg, len));
        assert_string_equal(e.msg + len - 3, "…");
        pfs_err_prefix(&e, "a prefix");
        len = strlen(e.msg);
        assert_true(len < PFS_ERR_MAX);
        assert_true(pfs_utf8_valid(e.msg, len));
        assert_string_equal(e.msg + len - 3, "…");
    }
}

/* ---- timefmt ---- */

static void set_zone(const char *tz)
{
    setenv("TZ", tz, 1);
    tzset();
}

static void time_parses(void **state)
{
    static const struct {
        const char *text;
        int64_t t;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59Z", -1},
        {"2026-03-01T04:00:00Z", 1772337600},
        {"2026-03-01t04:00:00z", 1772337600},
        {"2026-03-01 04:00:00Z", 1772337600},
        {"2026-03-01T05:00:00+01:00", 1772337600},
        {"2026-02-28T22:30:00-05:30", 1772337600},
        {"2026-03-01T04:00:00-00:00", 1772337600},
        {"2026-03-01T04:00:00.987Z", 1772337600},
        {"2024-02-29T00:00:00Z", 1709164800},
        {"2000-02-29T00:00:00Z", 951782400},
        {"2016-12-31T23:59:60Z", 1483228800}, /* a leap second */
        {"2026-03-01 05:00", 1772337600},     /* local: Vienna */
        {"2026-03-01 05:00:07", 1772337607},
        {"2026-07-01 06:00", 1782878400},
    };
    set_zone("Europe/Vienna");
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++) {
        struct pfs_err e = {0};
        int64_t t = 0;
        if (pfs_time_parse(cases[i].text, &t, &e) != 0 || t != cases[i].t)
            fail_msg("%s: %lld %s", cases[i].text, (long long)t, e.msg);
    }
}

static void time_refuses(void **state)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "is no time: write"},
        {"now", "is no time: write"},
        {"2026-03-01", "write"},
        {"2026-3-1 04:00", "write"},
        {"26-03-01 04:00", "write"},
        {"2026-03-01T04:00:00", "write"}, /* whose time? */
        {"2026-03-01T04:00", "write"},
        {"2026-03-01T04:00Z", "write"}, /* RFC 3339 has seconds */
        {"2026-03-01 04", "write"},
        {"2026-03-01  04:00", "write"},
        {" 2026-03-01 04:00", "write"},
        {"2026-03-01 04:00 ", "write"},
        {"2026-03-01T04:00:00+0100", "write"},
        {"2026-03-01T04:00:00+24:00", "write"},
        {"2026-03-01T04:00:00+01:60", "write"},
        {"2026-03-01T04:00:00.Z", "write"},
        {"2026-03-01T04:00:00ZZ", "write"},
        {"2026/03/01 04:00", "write"},
        {"-026-03-01 04:00", "write"},
        {"2026-13-01T04:00:00Z", "no such month"},
        {"2026-00-01T04:00:00Z", "no such month"},
        {"2026-02-30T04:00:00Z", "no such day"},
        {"2026-02-29 04:00", "no such day"},
        {"1900-02-29T04:00:00Z", "no such day"},
        {"2026-04-31T04:00:00Z", "no such day"},
        {"2026-03-00T04:00:00Z", "no such day"},
        {"2026-03-01 24:00", "hours"},
        {"2026-03-01 04:60", "minutes"},
        {"2026-03-01 04:00:60", "seconds"},
        {"2026-03-01T04:00:61Z", "seconds"},
        {"2026-03-29 02:30", "put forward"}, /* Vienna's spring gap */
    };
    set_zone("Europe/Vienna");
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++) {
        struct pfs_err e = {0};
        int64_t t = 77;
        if (pfs_time_parse(cases[i].text, &t, &e) != -EINVAL || !strstr(e.msg, cases[i].part) || t != 77)
            fail_msg("\"%s\": %s", cases[i].text, e.msg);
    }
    int64_t t;
    assert_int_equal(pfs_time_parse("x", &t, NULL), -EINVAL);
}

static void time_formats(void **state)
{
    char out[PFS_TIME_STR];
    set_zone("Europe/Vienna");
    pfs_time_format(1772337600, out);
    assert_string_equal(out, "2026-03-01T04:00:00Z");
    pfs_time_format(0, out);
    assert_string_equal(out, "1970-01-01T00:00:00Z");
    pfs_time_format(-62135596800, out);
    assert_string_equal(out, "0001-01-01T00:00:00Z");
    pfs_time_format(253402300799, out);
    assert_string_equal(out, "9999-12-31T23:59:59Z");
    pfs_time_format(67767976233532799, out); /* the last that an int's year holds, less some */
    assert_true(strlen(out) < PFS_TIME_STR);
    pfs_time_format(INT64_MAX, out);
    assert_string_equal(out, "@9223372036854775807");
    pfs_time_format(INT64_MIN, out);
    assert_string_equal(out, "@-9223372036854775808");
    for (int64_t t = -4000000000; t < 9000000000; t += 123456789) {
        int64_t back;
        pfs_time_format(t, out);
        assert_int_equal(pfs_time_parse(out, &back, NULL), 0);
        assert_true(back == t);
    }
}

/* ---- lru ---- */

struct used {
    struct used *newer, *older;
    char name;
};

struct uses {
    struct used *newest, *oldest;
};

/* Whether the list is these, newest first, in both directions. */
static bool is_order(const struct uses *l, const char *names)
{
    const struct used *u = l->newest, *last = NULL;
    for (; u && *names == u->name && u->newer == last; names++) {
        last = u;
        u = u->older;
    }
    return !u && !*names && l->oldest == last;
}

static void lru_keeps_the_order_of_use(void **state)
{
    struct uses l = {0};
    struct used a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};
    pfs_lru_add(&l, &a);
    assert_true(is_order(&l, "a"));
    pfs_lru_use(&l, &a);
    assert_true(is_order(&l, "a"));
    pfs_lru_add(&l, &b);
    pfs_lru_add(&l, &c);
    assert_true(is_order(&l, "cba"));
    pfs_lru_use(&l, &b);
    assert_true(is_order(&l, "bca"));
    pfs_lru_use(&l, l.oldest);
    assert_true(is_order(&l, "abc"));
    pfs_lru_remove(&l, &b);
    assert_true(is_order(&l, "ac"));
    pfs_lru_remove(&l, &c);
    assert_true(is_order(&l, "a"));
    pfs_lru_add(&l, &c);
    pfs_lru_remove(&l, &c);
    pfs_lru_remove(&l, &a);
    assert_true(is_order(&l, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_appends),
        cmocka_unit_test(buf_prints_long_text),
        cmocka_unit_test(buf_prints_up_to_its_limit),
        cmocka_unit_test(near_counts_edits),
        cmocka_unit_test(buf_limit_sticks),
        cmocka_unit_test(buf_refuses_absurd_sizes),
        cmocka_unit_test(arena_keeps_apart),
        cmocka_unit_test(map_holds_many),
        cmocka_unit_test(map_replaces),
        cmocka_unit_test(utf8_validity),
        cmocka_unit_test(utf8_decodes),
        cmocka_unit_test(utf8_order),
        cmocka_unit_test(lru_keeps_the_order_of_use),
        cmocka_unit_test(err_sentences),
        cmocka_unit_test(err_cuts_at_characters),
        cmocka_unit_test(time_parses),
        cmocka_unit_test(time_refuses),
        cmocka_unit_test(time_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
