"""The commands, as people and scripts use them: what they print and how they end."""

import json
import subprocess

from world.case import WorldTest


class Commands(WorldTest):
    def run_command(self, program: str, *arguments: str, timeout: float = 60):
        return subprocess.run([self.program.parent / program, *arguments], capture_output=True,
                              text=True, timeout=timeout, stdin=subprocess.DEVNULL)

    def test_query(self):
        """tlspolicy query: prints what postmap -q would, exit code 0 found, 1 not found"""
        done = self.run_command("tlspolicy", "query", "enforce.test")
        self.assertEqual((done.returncode, done.stdout.strip()),
                         (0, self.world.postfix.ask("enforce.test").value))
        done = self.run_command("tlspolicy", "query", "-m", "postfix-tlsrpt", "wildcard.test")
        self.assertEqual((done.returncode, done.stdout.strip()),
                         (0, self.world.postfix.ask("wildcard.test", "postfix-tlsrpt").value))
        self.assertEqual(self.run_command("tlspolicy", "query", "norecord.test").returncode, 1)

    def test_query_several(self):
        """tlspolicy query, several keys: each with its value, and which of them were not found"""
        done = self.run_command("tlspolicy", "query", "norecord.test", "enforce.test", "optout.test")
        value = self.world.postfix.ask("enforce.test").value
        self.assertEqual((done.returncode, done.stdout), (1, f"enforce.test\t{value}\n"))
        self.assertEqual(done.stderr, "tlspolicy: norecord.test: NOTFOUND\n"
                         "tlspolicy: optout.test: NOTFOUND\n")
        done = self.run_command("tlspolicy", "query", "norecord.test")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "", ""))

    def test_broken_file(self):
        """a wrong configuration file: a warning where it only says whom to ask; -a and -s do without"""
        file = self.world.directory / "broken.yaml"
        file.write_text("lisen: []\n")
        warning = f"tlspolicy: warning: {file}:1: lisen: unknown key; did you mean listen?; where"
        done = self.run_command("tlspolicy", "-c", str(file), "query", "enforce.test")
        self.assertEqual((done.returncode, done.stderr[:len(warning)]), (0, warning))
        done = self.run_command("tlspolicy", "-c", str(file), "query", "-s", "inet:127.0.0.1:8461",
                                "enforce.test")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for command in (("status",), ("list",), ("show", "a.test"), ("forget", "a.test"),
                        ("refresh", "a.test")):
            with self.subTest(command):
                done = self.run_command("tlspolicy", "-c", str(file), *command)
                self.assertEqual(done.returncode, 69)
                self.assertTrue(done.stderr.startswith(warning), done.stderr)
                done = self.run_command("tlspolicy", "-c", str(file), *command, "-a", "unix:/no")
                self.assertEqual(done.returncode, 69)
                self.assertTrue(done.stderr.startswith("tlspolicy: no daemon can be asked: unix:/no"))
        done = self.run_command("tlspolicy", "-c", str(file), "main-cf")
        self.assertEqual((done.returncode, done.stdout), (78, ""))

    def test_places(self):
        """options of several commands stand before the command or after it"""
        asked = "tlspolicy: no daemon can be asked: unix:/no: "
        for words in (("-a", "unix:/no", "status"), ("status", "-a", "unix:/no"),
                      ("-a", "unix:/no", "--json", "list"), ("list", "--json", "--admin=unix:/no")):
            with self.subTest(words):
                done = self.run_command("tlspolicy", *words)
                self.assertEqual((done.returncode, done.stderr[:len(asked)]), (69, asked))
        file = self.world.directory / "missing.yaml"
        for words in (("-c", str(file), "main-cf"), ("main-cf", "-c", str(file))):
            with self.subTest(words):
                self.assertEqual(self.run_command("tlspolicy", *words).stderr,
                                 f"{file}: cannot be read: No such file or directory\n")
        for option in (("-a", "unix:/no"), ("--json",)):
            done = self.run_command("tlspolicy", *option, "query", "enforce.test")
            self.assertEqual((done.returncode, done.stderr.splitlines()),
                             (64, [f"tlspolicy: {option[0]} is not for query; see tlspolicy query "
                                   "--help"]))

    def test_unknown_command(self):
        """a command that does not exist: one line, with the nearest one"""
        for words, meant in ((("stauts",), "status"), (("-a", "unix:/x", "lst", "--json"), "list"),
                             (("-c", "/x", "doktor"), "doctor"), (("main_cf",), "main-cf")):
            with self.subTest(words):
                done = self.run_command("tlspolicy", *words)
                wrong = next(word for word in words if word.isalpha() or "_" in word)
                self.assertEqual((done.returncode, done.stderr),
                                 (64, f"tlspolicy: there is no command {wrong}; did you mean "
                                      f"{meant}?\n"))
        done = self.run_command("tlspolicy", "frobnicate")
        self.assertEqual(done.returncode, 64)
        self.assertIn("those that are: query, explain, status", done.stderr)
        self.assertEqual(self.run_command("tlspolicy").returncode, 64)

    def test_query_in_trouble(self):
        """tlspolicy query: 75 for a temporary error, 69 without a server, each says why"""
        self.world.resolver.stop()
        try:
            done = self.run_command("tlspolicy", "query", "nobody.optout.test")
        finally:
            self.world.resolver.start()
            self.world.resolver.wait()
        self.assertEqual(done.returncode, 75)
        self.assertIn("nobody.optout.test", done.stdout + done.stderr)
        done = self.run_command("tlspolicy", "query", "-s", "inet:127.0.0.1:9", "enforce.test")
        self.assertEqual(done.returncode, 69)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)

    def test_explain(self):
        """tlspolicy explain: the steps and the replies; 0 protected, 1 not"""
        done = self.run_command("tlspolicy", "explain", "enforce.test")
        self.assertEqual(done.returncode, 0, done.stderr)
        for text in ("_mta-sts.enforce.test", "mx1.enforce.test",
                     "secure match=mx1.enforce.test:mx2.enforce.test servername=hostname"):
            self.assertIn(text, done.stdout)
        for domain, why in (("testing.test", "testing"), ("wrongcert.test", "hostname mismatch"),
                            ("twotxt.test", "more than one")):
            with self.subTest(domain):
                done = self.run_command("tlspolicy", "explain", domain)
                self.assertEqual(done.returncode, 1)
                self.assertIn(why, done.stdout)

    def test_explain_json(self):
        """tlspolicy explain --json: one JSON document"""
        done = self.run_command("tlspolicy", "explain", "--json", "enforce.test")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("enforce.test", json.dumps(json.loads(done.stdout)))

    def test_check_config(self):
        """tlspolicyd --check-config: every mistake with file and line, exit code 2; 0 without"""
        file = self.world.directory / "wrong.yaml"
        file.write_text("listen: [inet:127.0.0.1:8461]\nlisen: []\nhttps: {timeout: soon}\n")
        done = self.run_command("tlspolicyd", "--check-config", "-c", str(file))
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"{file}:2: ", done.stderr)
        self.assertIn(f"{file}:3: ", done.stderr)
        file.write_text("listen: [inet:127.0.0.1:8461]\n")
        done = self.run_command("tlspolicyd", "--check-config", "-c", str(file))
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, f"{file}: no mistakes\n", ""))
        self.assertEqual(self.run_command("tlspolicyd", "--check-config").stdout,
                         "/etc/tlspolicyd/tlspolicyd.yaml: it is not there: defaults\n")
        # Nothing is started with a wrong configuration.
        file.write_text("listen: [inet:127.0.0.1:8462]\nbogus: 1\n")
        self.assertEqual(self.run_command("tlspolicyd", "-c", str(file), timeout=5).returncode, 2)

    def test_port_taken(self):
        """tlspolicyd on a port that is taken: says so, ends with another exit code than 0"""
        done = self.run_command("tlspolicyd", timeout=10)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("8461", done.stderr)

    def test_help(self):
        """every command has --help and --version"""
        for program in ("tlspolicyd", "tlspolicy"):
            for option in ("--help", "--version"):
                with self.subTest(f"{program} {option}"):
                    done = self.run_command(program, option)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                    self.assertIn("tlspolicy", done.stdout)
