"""The commands, as a person at a shell uses them."""
import json

import pytest

import lib

MAC = "001565000007"
COMMANDS = ["init", "mount", "add", "put", "set", "unset", "assign", "release", "replace", "rename", "delete", "list", "show", "render",
            "explain", "import", "export", "apply", "log", "check"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help(inv, command):
    said = inv.provfs(command, "--help")
    assert f"provfs {command}" in said and max(map(len, said.splitlines())) <= 120


def test_help_of_all_and_version(inv):
    assert all(f"provfs {c}" in inv.provfs("--help") for c in COMMANDS)
    assert inv.provfs("--version").startswith("provfs ")


@pytest.mark.parametrize("option", ["--update", "--sync=fleet"])
def test_importing_the_same_file_again_is_no_change(own_fleet, option):
    option = option.split("=")
    own_fleet.provfs("import", *option, lib.FLEET)
    before = own_fleet.gen()
    own_fleet.provfs("import", *option, lib.FLEET)
    assert own_fleet.gen() == before


def test_setting_what_holds_is_no_change(own_fleet):
    own_fleet.provfs("set", "profile", "office", "sip.server=a.example.net")
    before = own_fleet.gen()
    own_fleet.provfs("set", "profile", "office", "sip.server=a.example.net")
    own_fleet.provfs("put", "profile", "office", "sip.server=a.example.net")
    assert own_fleet.gen() == before


def test_sync_removes_what_is_gone_up_to_a_limit(inv):
    inv.add_profiles()
    lines = lib.FLEET.read_text(encoding="utf-8").splitlines(keepends=True)
    inv.import_csv("".join(lines), "--sync", "crm")
    without_one = "".join(x for x in lines if not x.startswith(MAC))
    without_half = "".join(lines[:300])
    inv.import_csv(without_one, "--sync", "crm")
    inv.refused("show", "device", MAC, says=MAC)
    inv.refused("import", "--sync", "crm", "-", stdin=without_half, says="max-delete")
    inv.import_csv(without_half, "--sync", "crm", "--max-delete", "400")


def test_export_goes_back_where_the_profiles_exist(own_fleet, inv):
    inv.add_profiles()
    csv = own_fleet.provfs("export", "--secrets")
    inv.import_csv(csv)
    assert inv.provfs("export", "--secrets") == csv
    assert inv.render(MAC) == own_fleet.render(MAC)


def test_a_masked_export_leaves_secrets_as_they_are(own_fleet):
    before = own_fleet.gen()
    own_fleet.provfs("import", "--update", "-", stdin=own_fleet.provfs("export"))
    assert own_fleet.gen() == before


def test_list(own_fleet):
    assert len(own_fleet.provfs("list", "devices", "-q").splitlines()) == 300
    assert MAC in own_fleet.provfs("list", "devices", "model=yealink-t4*", "-q").split()
    assert len(json.loads(own_fleet.provfs("list", "profiles", "--json"))) == 3
    assert "sip.server" in own_fleet.provfs("list", "keys") and "poly-vvx411" in own_fleet.provfs("list", "models")


def test_set_tells_who_does_not_follow(own_fleet):
    own_fleet.provfs("set", "device", MAC, "sip.server=b.example.net")
    r = own_fleet.run("set", "profile", "office", "sip.server=a.example.net")
    said = (r.stdout + r.stderr).decode()
    assert r.returncode == 0 and "follow" in said and "1 " in said and "provfs list values sip.server" in said
    assert "b.example.net" in own_fleet.provfs("list", "values", "sip.server")


def test_explain_shows_what_counts_and_what_is_hidden(own_fleet):
    own_fleet.provfs("set", "site", "sip.server=s.example.net")
    own_fleet.provfs("set", "profile", "office", "sip.server=p.example.net")
    own_fleet.provfs("set", "device", MAC, "sip.server=d.example.net", "--reason", "moved out")
    said = own_fleet.provfs("explain", MAC, "sip.server")
    assert all(x in said for x in ("d.example.net", "p.example.net", "s.example.net", "hidden", "account.1.sip_server.1.address"))


def test_secrets_stay_secret(own_fleet):
    password = "K~sjGq}di8T7AnhV"
    account = "10001@customer-00000"
    for command in (("show", "account", account), ("explain", MAC), ("log",), ("list", "values", "sip.password"), ("export",)):
        assert password not in own_fleet.provfs(*command), command
    assert password in own_fleet.provfs("show", "account", account, "--secrets")
    assert password.encode() in own_fleet.render(MAC)


def test_stdin_keeps_a_password_out_of_argv(own_fleet):
    own_fleet.provfs("set", "account", "10001@customer-00000", "--stdin", "sip.password", stdin="pa ss'w\"ord\n")
    assert b"account.1.password = pa ss'w\"ord\n" in own_fleet.render(MAC)


def test_apply_is_one_transaction(own_fleet):
    own_fleet.provfs("apply", "-", stdin='# a comment\nadd profile "night-shift" parent=office\nset profile night-shift sip.port=5070\n')
    assert "night-shift" in own_fleet.provfs("list", "profiles")
    assert "5070" in own_fleet.provfs("show", "profile", "night-shift")


def test_replace_a_broken_phone(own_fleet):
    account = "account.1.user_name = 10001"
    own_fleet.provfs("replace", MAC, "001565bbbbbb")
    assert account in own_fleet.render("001565bbbbbb").decode()
    assert account not in own_fleet.run("render", MAC).stdout.decode()


def test_log_tells_who_and_why(own_fleet):
    own_fleet.provfs("set", "profile", "office", "sip.server=a.example.net", "--reason", "ticket 4711")
    said = own_fleet.provfs("log", "profile", "office")
    assert all(x in said for x in ("ticket 4711", "sip.server", "a.example.net"))


def test_check_of_a_good_inventory(own_fleet):
    own_fleet.provfs("check")


def test_database_by_option(inv):
    other = inv.folder / "other.db"
    inv.provfs("-d", other, "init")
    inv.provfs("-d", other, "add", "profile", "there")
    assert "there" not in inv.provfs("list", "profiles") and "there" in inv.provfs("-d", other, "list", "profiles")


def test_render_of_templates_that_are_not_in_service(own_fleet, tmp_path):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "acme.xml").write_text("""<template vendor="acme" title="A" absent-key="kept">
      <model name="acme-1" title="A" lines="1" keys="0"/>
      <file name="{mac}.cfg" main="yes" syntax="plain"><set key="mac" value="{device.mac}"/></file></template>""")
    own_fleet.refused("add", "device", "001565aaaaaa", "model=acme-1", says="acme-1")
    own_fleet.provfs("check", "--templates", tmp_path)
