"""Yealink: a version line, then `key = value`; %NULL% is the empty value."""

COMMON = {"001565000001": ["y000000000066.cfg"]}
WHERE_SET = (r"(static\.)?security\.user_password|(static\.)?auto_provision\.server\.url|expansion_module\..*"
             r"|account\.\d+\.srtp_encryption")


def read(name, data):
    lines = data.decode().split("\n")
    assert lines[0] == "#!version:1.0.0.1" and lines[-1] == "", "version line, and a line end at the end"
    return [(k, "" if v == "%NULL%" else v) for k, v in (x.split(" = ", 1) for x in lines[1:-1])]


def account(model, pairs, line, place):
    return tuple(pairs[f"account.{line}.{k}"] for k in ("user_name", "auth_name", "password", "display_name"))
