import json
from hashlib import sha256

from typer.testing import CliRunner

from deployer.cli.app import app


def run(*arguments: str, text: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, ["router", "key", *arguments], input=text)
    return result.exit_code, result.output


def test_a_key_is_shown_with_the_hash_that_lets_it_in() -> None:
    code, said = run("mobile", "-o", "json")
    made = json.loads(said)
    assert code == 0
    assert made["sha256"] == sha256(made["key"].encode()).hexdigest()
    assert len(made["key"]) > 40
    assert json.loads(run("mobile", "-o", "json")[1])["key"] != made["key"]


def test_a_key_that_is_there_already_is_hashed_and_not_shown() -> None:
    key = "a-key-of-some-length-x"
    code, said = run("mobile", "--stdin", text=f"{key}\n")
    assert code == 0
    assert sha256(key.encode()).hexdigest() in said
    assert key not in said
    assert run("mobile", "--stdin", text="short\n")[0] == 4
