"""Values that a syntax could trip over: at least 200, as bytes."""

ASCII_SIGNS = [c for c in '"\'`\\#;%$&<>|=:,!?*~^@/+-_.()[]{}']
PIECES = [
    'x',
    ']]>', '<!--', '-->', '<![CDATA[x]]>', '&amp;', '&#10;', '&#x0a;', '&lt;b&gt;', '<b>', '</b>', '<a/>', '<?xml version="1.0"?>', '<!DOCTYPE x>',
    '" x="1', "' x='1", '"/><y z="', '"><y>', '</config>', '</flat-profile>', '</settings>', '</entry>', '</P3>', '<x', 'x>', '&', '&;', '&x', '%s%n', '%41', '%%',
    '%NULL%x', 'x%NULL%', '$(id)', '`id`', '${HOME}', '$USER', '{sip.password}', '{{x}}', '{', '}', '{x|map y}', '}}{{', '#!version:1.0.0.1', '# comment', '; comment', '// comment',
    '[section]', ']', '[', 'key=value', 'key = value', 'key: value', 'a=b=c', '=x', ':x', 'x=', 'x:', '!x', '^x', '\\n', '\\r\\n', '\\"', '\\\\', '\\', '\\x00', '\\u0041', "a'b", 'a"b', '""', "''",
    '"x"', "'x'", '"', "'", 'a,b', 'a;b', 'a|b', 'a b', 'a  b', 'a\tb', '0', '00', '-1', '1e9', '0x10', 'true', 'yes', 'on', 'null', 'NULL', 'None', 'default', '*', '**', '?', '..', '../../etc/passwd', '/etc/passwd',
    'SET X 1', 'GET x.txt', '<<END OF FILE>>', '<<VOIP CONFIG FILE>>', '<SIP CONFIG MODULE>', '--x--', 'include:config "x"', 'sip:1@2', '<sip:1@2>', 'sips:a@b;transport=tls', '1@2', '1@2:5060;x=y', 'a/b', 'a?b=c&d=e',
    'http://x/?a=1&b=2#c', "Robert'); DROP TABLE device;--", 'x' * 31, 'x' * 64, 'x' * 255, 'x' * 256, 'x' * 500, 'x' * 501, 'x' * 4096, '1234567890' * 10,
]
UNICODE = [
    'Söhne', 'Zoë', 'ñ', 'ß', 'Ÿ', '李雷', 'Анна', 'שלום', 'العربية', 'ไทย', '한국어', 'ひらがな', '😀', '👨\u200d👩\u200d👧', 'e\u0301', '\u00e9', 'ﬁ', 'Ⅷ', '\u00a0', 'a\u00a0b', '\u2028', '\u2029', 'a\u2028b', '\u0085',
    'a\u0085b', '\ufeff', 'a\ufeffb', '\u200b', '\u202e\u0041', '\u2066x\u2069', '\ufffd', '\ufffe', '\uffff', '\U0001ffff', '\U0010ffff', '\u00ad', '\u007f', '\u0080', '\u009f', '\u00ff', '\u0100', '€', '–', '“x”', '‘x’', '„x“', '…',
]
CONTROLS = [f"a{chr(c)}b" for c in (1, 7, 8, 9, 27, 31)]
BLANKS = [' ', '  ', ' x', 'x ', ' x ', '\tx', 'x\t', '\n', 'x\n', '\nx', 'a\nb', 'a\rb', 'a\r\nb', '\r', 'x\r\n', 'a\n\nb', 'a\n# b', 'a\nkey = value', 'a\n[b]', 'a\n</b>', 'a\x0bb', 'a\x0cb']
NOT_UTF8 = [b'\xff', b'a\xffb', b'\xc3', b'\xc3(', b'\xe2\x82', b'\xf0\x9f\x98', b'\xc0\x80', b'\xed\xa0\x80', b'\xf4\x90\x80\x80', b'\x80', b'\xfe\xff']
LARGE = ["x" * 65536]

VALUES = list(dict.fromkeys(
    [v.encode() for v in ASCII_SIGNS + [f"a{c}b" for c in ASCII_SIGNS] + PIECES + UNICODE[::2] + CONTROLS + BLANKS + LARGE] + NOT_UTF8))
assert len(VALUES) >= 200
