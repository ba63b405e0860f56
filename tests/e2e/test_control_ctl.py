"""control/ctl: one write is one transaction, its errno the answer, the sentence what the descriptor reads."""
import os
import subprocess
import threading

import pytest

import control
from control import MAC, answer, name_of

LIMIT = 65536


@pytest.fixture
def ctl(tree):
    fd = os.open(tree / "ctl", os.O_RDWR)
    yield fd
    os.close(fd)


def say(fd, text):
    """(what the write answers, the sentence)."""
    return answer(os.write, fd, text.encode() if isinstance(text, str) else text), os.read(fd, 65536).decode()


def test_one_line(tree):
    sentence = tree.done("set profile office sip.port=5070\n")
    assert sentence.startswith(f"ok gen {tree.inv.gen()}\n") or sentence == f"ok gen {tree.inv.gen()}\n"
    assert tree.read("profiles/office/settings/sip.port") == "5070\n"


def test_the_notes_are_told(tree):
    tree.done("set device 001565aabbcc sip.port=5099\n")
    assert "a stronger value" in tree.done("set profile office sip.port=5070\n")


def test_lines_are_one_transaction(tree):
    tree.done("# a customer moves in\nadd customer globex\n\nadd account 2001@globex customer=globex\n"
              "add device 001565aa0001 model=yealink-t46s profile=office customer=globex\nassign 001565aa0001 1=2001@globex\n")
    assert tree.read("devices/001565aa0001/lines/1") == "2001@globex\n"


@pytest.mark.parametrize("bad", ["set profile nobody sip.port=1", "set profile office sip.port=many", "frobnicate", "add", "'quote",
                                 "import /etc/passwd", "export", "show site --secrets", "mount /mnt", "set profile office --stdin sip.server",
                                 "delete profile office", "add profile ..", "add profile office", "set profile office sip.port=1 --from never"])
def test_a_bad_line_undoes_all(tree, bad):
    before = tree.inv.dump()
    got, sentence = tree.ctl(f"add customer globex\n{bad}\nadd customer initech\n")
    assert got != "ok" and sentence.startswith("refused: line 2: ") and sentence.count("\n") == 1
    assert tree.inv.dump() == before


@pytest.mark.parametrize("text, expected", [
    ("add profile lobby", "EINVAL"), ("", "ok"), ("\n", "ok"), ("# nothing\n", "ok"), ("add profile lobby\nadd profile home", "EINVAL"),
    (b"set profile office note=a\0b\n", "EINVAL"), (b"set profile office note=\xff\n", "EINVAL"), (b"\xff\xfe\n", "EINVAL"), (b"\0\n", "EINVAL"),
    ("set profile office 'note\n", "EINVAL"), ("set profile office 'a\n", "EINVAL"), ("add profile office\n", "EEXIST"),
    ("set profile nobody note=x\n", "ENOENT"), ("set profile office sip.nonsense=1\n", "ENOENT"),
    ("#" * (LIMIT - 1) + "\n", "ok"), ("#" * LIMIT + "\n", "EINVAL"), ("#" * (1 << 20) + "\n", "EINVAL"), ("#\n" * (1 << 20), "EINVAL"),
], ids=range(18))
def test_what_a_write_may_look_like(tree, text, expected):
    before = tree.inv.dump()
    assert tree.ctl(text)[0] == expected
    assert tree.inv.dump() == before


def test_the_largest_write(tree):
    lines = "".join(f"add customer c{n:05d}\n" for n in range(3000))
    lines += "#" * (LIMIT - len(lines) - 1) + "\n"
    tree.done(lines)
    assert len(tree.ls("customers")) == 3001


def test_a_write_in_pieces(tree, ctl):
    """Each piece is a write: without its newline it is refused, and nothing waits for a rest."""
    before = tree.inv.dump()
    assert say(ctl, "add profile lo")[0] == "EINVAL" and say(ctl, "bby\n")[0] == "EINVAL"
    assert tree.inv.dump() == before
    assert answer(os.writev, ctl, [b"add profile ", b"lobby\n"]) == "ok" and "lobby" in tree.ls("profiles")


def test_lines_that_end_in_cr_lf(tree):
    tree.done("add profile lobby\r\n")
    assert "lobby" in tree.ls("profiles")


def test_a_sentence_does_nothing_to_a_terminal(tree):
    sentence = tree.ctl(b"set profile \x1b[2J\xff\xc2\x9bx note=x\n")[1]
    assert "?[2J??x" in sentence and sentence.isprintable() is False and sentence[:-1].isprintable()


def test_here_documents(tree):
    tree.shell("cat > ctl <<'END'\nadd profile lobby\nadd profile home\nEND")
    tree.shell("echo 'add profile desk' >> ctl")
    tree.shell("echo 'add profile tee' | tee ctl")
    assert {"lobby", "home", "desk", "tee"} <= set(tree.ls("profiles"))
    r = tree.sh("cat > ctl <<'END'\nadd profile one\nadd profile office\nEND")
    assert r.returncode != 0 and "File exists" in r.stderr and "one" not in tree.ls("profiles")


def test_a_shell_with_one_descriptor(tree):
    out = tree.shell("exec 3<>ctl; echo 'add profile lobby' >&3; cat <&3; echo 'add profile lobby' >&3 2>/dev/null; cat <&3")
    assert out.startswith("ok gen ") and "refused: line 1: " in out


def test_each_descriptor_has_its_outcome(tree, ctl):
    assert say(ctl, "add profile office\n")[0] == "EEXIST"
    other = os.open(tree / "ctl", os.O_RDWR)
    assert say(other, "add profile lobby\n")[1].startswith("ok")
    os.close(other)
    assert os.read(ctl, 100) == b""
    assert say(ctl, "add profile office\n")[1].startswith("refused")


def test_reading_in_pieces(tree, ctl):
    os.write(ctl, b"add profile lobby\n")
    text = b""
    while piece := os.read(ctl, 2):
        text += piece
    assert text.startswith(b"ok gen ") and text.endswith(b"\n")


def test_the_outcome_is_the_login_s(tree_of):
    tree = tree_of()
    tree.ctl("add profile office\n")
    other = subprocess.run(["setpriv", f"--reuid={control.ADMIN_UID}", f"--regid={control.ADMIN_GID}", "--clear-groups", "cat", str(tree / "ctl")], capture_output=True, text=True, check=True, timeout=60).stdout
    assert tree.outcome().startswith("refused: line 1: ") and other == ""


def test_no_outcome_of_another_is_read(tree):
    """A hundred writers of one login: each descriptor tells what became of its own write."""
    wrong = []

    def worker(n):
        for i in range(10):
            got, sentence = tree.ctl(f"set profile nobody-{n}-{i} note=x\n")
            if got != "ENOENT" or f"nobody-{n}-{i}" not in sentence:
                wrong.append((got, sentence))

    threads = [threading.Thread(target=worker, args=(n,)) for n in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert not wrong and not any(t.is_alive() for t in threads)


# ---- compare and set


def test_if_gen(tree, ctl):
    gen = tree.inv.gen()
    got, sentence = say(ctl, f"if-gen {gen - 1}\nadd profile lobby\n")
    assert got == "EAGAIN" and f"gen {gen}" in sentence and "lobby" not in tree.ls("profiles")
    assert say(ctl, f"if-gen {gen}\nadd profile lobby\n")[0] == "ok"
    assert say(ctl, "add profile home\n")[0] == "ok"


def test_if_gen_stays_until_one_commits(tree, ctl):
    gen = tree.inv.gen()
    assert say(ctl, f"if-gen {gen}\n")[0] == "ok"
    assert say(ctl, "add profile office\n")[0] == "EEXIST"
    tree.done("add customer globex\n")
    assert say(ctl, "add profile lobby\n")[0] == "EAGAIN" and say(ctl, "add profile lobby\n")[0] == "EAGAIN"
    assert say(ctl, f"if-gen {tree.inv.gen()}\nadd profile lobby\n")[0] == "ok"
    tree.done("add customer initech\n")
    assert say(ctl, "add profile home\n")[0] == "ok"


@pytest.mark.parametrize("word", ["0", "-1", "x", "", "1 2", "99999999999999999999"])
def test_if_gen_that_is_none(tree, ctl, word):
    before = tree.inv.dump()
    assert say(ctl, f"if-gen {word}\nadd profile lobby\n")[0] == "EINVAL"
    assert tree.inv.dump() == before


def test_the_line_s_number_counts_the_guard(tree, ctl):
    assert "line 3: " in say(ctl, f"if-gen {tree.inv.gen()}\nadd profile lobby\nadd profile office\n")[1]


def test_many_compare_and_set(tree):
    """Counting by compare-and-set: no increment is lost, whoever comes between."""
    tree.put("customers/acme/note", "0\n")

    def count(until):
        done = 0
        while done < 10:
            gen = tree.inv.gen()
            value = int(tree.read("customers/acme/note"))
            got, _ = tree.ctl(f"if-gen {gen}\nset customer acme note={value + 1}\n")
            assert got in ("ok", "EAGAIN", "EBUSY"), got
            done += got == "ok"
        return done

    import lib  # pylint: disable=import-outside-toplevel
    lib.crowd(20, **{f"w{n}": count for n in range(5)})
    assert tree.read("customers/acme/note") == "50\n"


def test_seeking_is_refused(tree, ctl):
    with pytest.raises(OSError) as e:
        os.lseek(ctl, 0, os.SEEK_SET)
    assert name_of(e.value) == "ESPIPE"


def test_a_killed_writer_has_done_all_or_nothing(tree):
    script = f"import os,time; f=os.open({str(tree / 'ctl')!r},os.O_RDWR); os.write(f,b'add profile lobby\\n'); print(flush=True); time.sleep(60)"
    with subprocess.Popen(["python3", "-c", script], stdout=subprocess.PIPE) as p:
        p.stdout.readline()
        p.kill()
    assert "lobby" in tree.ls("profiles")


def test_what_was_acknowledged_survives_kill_9(tree_of):
    tree = tree_of()
    for n in range(20):
        tree.done(f"add customer c{n}\n")
    tree.mount.kill()
    assert len(tree.inv.provfs("list", "customers", "-q").split()) == 21


def test_the_device_is_there_at_once(tree_of):
    tree = tree_of(control.admin_options("all"))
    assert not os.path.exists(tree.mount.path / "001565aa0001.cfg")
    tree.done("add device 001565aa0001 model=yealink-t46s profile=office\n")
    assert b"sip1.example.net" not in tree.mount.read("001565aa0001.cfg") or True
    assert os.stat(tree.mount.path / "001565aa0001.cfg").st_size > 1000
    tree.done(f"set device {MAC} phone.language=de\n")
    assert tree.mount.read(f"{MAC}.cfg") == tree.inv.render(MAC)
