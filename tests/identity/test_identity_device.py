"""What an app may call itself."""

import pytest

from kit.errors import InvalidArgument
from services.identity.device import NAME_LENGTH_MAX, check_installation, check_name

UUID = "0b9f3c1e-6a54-4d2b-9c1a-2f6de0a81b37"


@pytest.mark.parametrize(("text", "installation"), [(UUID, UUID), (UUID.upper(), UUID), ("", "")])
def test_an_app_names_itself_by_a_uuid_in_either_case_or_not_at_all(text: str, installation: str) -> None:
    assert check_installation(text) == installation


@pytest.mark.parametrize(
    "text", ["x", UUID.replace("-", ""), UUID + "0", f"{{{UUID}}}", " " + UUID, UUID + "\n", UUID.replace("0", "٠")]
)
def test_what_is_no_uuid_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        check_installation(text)


def test_a_device_may_be_nameless_and_its_name_is_short_and_printable() -> None:
    assert [check_name(text) for text in ("", "  ", " Điện thoại của Lan ")] == ["", "", "Điện thoại của Lan"]
    assert check_name("a" * NAME_LENGTH_MAX)
    for text in ("a" * (NAME_LENGTH_MAX + 1), "a\nb", "a\x00"):
        with pytest.raises(InvalidArgument):
            check_name(text)
