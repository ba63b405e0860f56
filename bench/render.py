#!/usr/bin/env python3
"""Render alone, one core: a Yealink file of about 5 KB, by provfs, by Jinja2 and by Smarty, to the same bytes.

The file is that of a site's own template, cut from the shipped one: some 5 KB is what such files usually are, and what the peers
have templates for. The peers' templates have a loop over the lines, one over the keys, a variable for each value and a word for an
empty one, as such templates do; their programs have looked the settings up beforehand."""
import json
import os
import subprocess

import bench

SECONDS = 3
TEMPLATE = """<template vendor="bench" title="Bench" absent-key="kept">
  <model name="bench-1" title="Bench" lines="6" keys="8"/>
  <map name="transport"><entry from="udp" to="0"/><entry from="tcp" to="1"/><entry from="tls" to="2"/><entry from="dns" to="3"/></map>
  <file name="{mac}.cfg" main="yes" syntax="properties" empty="%%NULL%%">
    <text>#!version:1.0.0.1</text>
    <lines>
%s
    </lines>
    <count name="k" from="1" to="{model.keys}">
      <set key="linekey.{k}.type" value="{key.[k].type}"/>
      <set key="linekey.{k}.value" value="{key.[k].value}"/>
      <set key="linekey.{k}.label" value="{key.[k].label}"/>
    </count>
%s
  </file>
</template>
"""
LINE = [("enable", "{line.assigned|bool '1' '0'}"), ("label", "{line.label}"), ("display_name", "{line.display_name}"), ("user_name", "{sip.user}"),
        ("auth_name", "{sip.auth_user}"), ("password", "{sip.password}"), ("sip_server.1.address", "{sip.server}"),
        ("sip_server.1.port", "{sip.port}"), ("sip_server.1.transport_type", "{sip.transport|map transport}"),
        ("sip_server.1.expires", "{sip.expires}"), ("outbound_proxy_enable", "{sip.outbound_proxy|set|bool '1' '0'}"),
        ("outbound_proxy.1.address", "{sip.outbound_proxy}"), ("dtmf.dtmf_payload", "{sip.dtmf_payload}"),
        ("nat.udp_update_time", "{sip.keepalive}"), ("voice_mail.number", "{voicemail.number}"), ("session_timer.expires", "{sip.session_timer}")]
GENERAL = ["time.ntp", "time.zone", "time.format", "phone.language", "phone.tones", "phone.web", "provision.interval", "net.vlan", "net.vlan_priority",
           "net.pc_vlan", "net.lldp", "net.dscp_sip", "net.dscp_rtp", "syslog.server", "ldap.server", "ldap.port", "ldap.base", "ldap.name_filter",
           "ldap.number_filter", "rtp.port_min", "rtp.port_max", "sip.local_port", "audio.codecs", "audio.ptime", "call.waiting", "dial.timeout"]


def template():
    lines = "\n".join(f'      <set key="account.{{line.number}}.{k}" value="{v}"/>' for k, v in LINE)
    general = "\n".join(f'    <set key="static.{k}" value="{{{k}}}"/>' for k in GENERAL)
    return TEMPLATE % (lines, general)


def make_inventory():
    inv = bench.e2e.Inventory(bench.folder("render"))
    (inv.templates / "bench").mkdir()
    (inv.templates / "bench/bench.xml").write_text(template())
    inv.provfs("add", "profile", "office", "sip.server=sip.example.net", "sip.outbound_proxy=edge.example.net", "time.zone=Europe/Vienna",
               "key.1.type=blf", "key.1.value=1001", "key.1.label=Front", "ldap.server=ldap.example.net", "voicemail.number=*97")
    commands = []
    for i in range(500):
        mac = f"0015650{i:05x}"
        commands.append(f"add account {i}@bench sip.password=s3cret{i} 'line.display_name=Phone & {i} <x>'\n"
                        f"add device {mac} model=bench-1 profile=office\nassign {mac} 1={i}@bench\n")
    inv.provfs("apply", "-", stdin="".join(commands))
    return inv


def pairs_of(text):
    """The pairs of a file; the empty value as the peers have it."""
    pairs = (line.split(" = ", 1) for line in text.splitlines() if " = " in line)
    return {k: "" if v == "%NULL%" else v for k, v in pairs}


def data_of(pairs, i):
    """A phone as a peer's program hands it to its template: its settings looked up beforehand."""
    lines = [{"number": n, **{field(k): pairs[f"account.{n}.{k}"] for k, _ in LINE}} for n in range(1, 7)]
    lines[0] |= {"label": f"Phone & {i} <x>", "display_name": f"Phone & {i} <x>", "user_name": str(i), "auth_name": str(i), "password": f"s3cret{i}"}
    keys = [{"number": k, **{part: pairs[f"linekey.{k}.{part}"] for part in ("type", "value", "label")}} for k in range(1, 9)]
    return {"lines": lines, "keys": keys, **{field(k): pairs[f"static.{k}"] for k in GENERAL}}


def field(key):
    return key.replace(".", "_")


def jinja_template():
    def value(name):
        return f"{{{{ {name} or '%NULL%' }}}}"
    lines = "\n".join(f"account.{{{{ line.number }}}}.{k} = {value('line.' + field(k))}" for k, _ in LINE)
    keys = "\n".join(f"linekey.{{{{ key.number }}}}.{part} = {value('key.' + part)}" for part in ("type", "value", "label"))
    general = "\n".join(f"static.{k} = {value(field(k))}" for k in GENERAL)
    return (f"#!version:1.0.0.1\n{{% for line in lines %}}{lines}\n{{% endfor %}}{{% for key in keys %}}{keys}\n{{% endfor %}}{general}\n")


def smarty_template():
    def value(name):
        return f"{{${name}|default:'%NULL%'}}\n"
    lines = "".join(f"account.{{$line.number}}.{k} = {value('line.' + field(k))}" for k, _ in LINE)
    keys = "".join(f"linekey.{{$key.number}}.{part} = {value('key.' + part)}" for part in ("type", "value", "label"))
    general = "".join(f"static.{k} = {value(field(k))}" for k in GENERAL)
    return f"#!version:1.0.0.1\n{{foreach $lines as $line}}{lines}{{/foreach}}{{foreach $keys as $key}}{keys}{{/foreach}}{general}"


def run_peer(argv, want):
    got = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    assert got["first"] == want, "the peer's file is another one"
    return got["files_per_second"]


def main():
    inv = make_inventory()
    macs = inv.provfs("list", "devices", "-q").split()
    want = inv.render(macs[0]).decode()
    phones = inv.folder / "phones.json"
    phones.write_text(json.dumps([data_of(pairs_of(want), i) for i in range(500)]))
    jinja, smarty = inv.folder / "jinja.txt", inv.folder / "smarty.tpl"
    jinja.write_text(jinja_template())
    smarty.write_text(smarty_template())
    ours = json.loads(subprocess.run([bench.e2e.BUILD / "bench/render", "--seconds", str(SECONDS)], env=inv.env, check=True,
                                     capture_output=True, text=True).stdout)
    full = json.loads(subprocess.run([bench.e2e.BUILD / "bench/render", "--full", "--seconds", str(SECONDS)], env=inv.env, check=True,
                                     capture_output=True, text=True).stdout)
    rate = ours["files_per_second"]
    bench.report("render", question="render alone: files/s on one core", bytes=ours["bytes_per_file"], in_full=full["files_per_second"], value=rate,
                 bar=300000, better="higher")
    peers = {"jinja2": ([bench.ROOT / "bench/peers.py", jinja, phones, str(SECONDS)], 50),
             "smarty": (["php", "-d", "opcache.enable_cli=1", bench.ROOT / "bench/peers.php", smarty, phones, str(SECONDS), inv.folder / "compiled"], 8)}
    for peer, (argv, bar) in peers.items():
        theirs = run_peer([os.fspath(a) for a in argv], want)
        bench.report(f"render_{peer}", question=f"render alone: provfs to {peer}", files_per_second=round(theirs), value=round(rate / theirs, 1), bar=bar,
                     better="higher")


if __name__ == "__main__":
    main()
