"""What counts as the number of a payment card, what does not, and that none enters by form, API, note or log."""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cards import card_fields, holds_card, masked, masked_values
from core.logs import without_secrets
from core.resources import Resource, service_of
from core.resources.border import bordered
from tests.test_api import URL, caller, house, owner, problem, suppliers, web

__all__ = ["caller", "house", "owner", "suppliers", "web"]
VISA, AMEX = "4111111111111111", "378282246310005"
BEGINNINGS = [
    ("4", 16),
    ("4", 19),
    ("51", 16),
    ("2221", 16),
    ("2720", 16),
    ("34", 15),
    ("36", 14),
    ("6011", 16),
    ("3528", 16),
]
BEGINNINGS += [("62", 16), ("62", 19), ("5018", 16), ("588845", 16), ("2200", 16), ("6521", 16), ("9792", 16)]


def check_digit(digits: str, weights: tuple[int, int]) -> str:
    """The last digit by Luhn (2, 1, digits of the products) or GTIN (3, 1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        product = int(digit) * weights[place % 2]
        total += product - 9 if weights[0] == 2 and product > 9 else product
    return str(-total % 10)


def cards(beginning: str, length: int) -> st.SearchStrategy[str]:
    rest = st.text("0123456789", min_size=length - len(beginning) - 1, max_size=length - len(beginning) - 1)
    return rest.map(lambda text: beginning + text + check_digit(beginning + text, (2, 1)))


@given(st.sampled_from(BEGINNINGS).flatmap(lambda one: cards(*one)), st.sampled_from(["", " ", "-", "\u00a0"]))
def test_a_card_number_is_found_in_one_piece_and_in_groups(number: str, separator: str) -> None:
    groups = [number[at : at + 4] for at in range(0, len(number) - len(number) % 4 - 4, 4)]
    groups.append(number[sum(map(len, groups)) :])
    is_gtin = len(number) == 14 and check_digit(number[:-1], (3, 1)) == number[-1]
    for text in (number, separator.join(groups)):
        assert holds_card(f"paid with {text}, thanks") is not is_gtin
        if not is_gtin:
            assert masked(text)[-4:] == number[-4:]
            assert not any(sign.isdigit() for sign in masked(text)[:-4])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("3782 822463 10005", "**** ****** *0005"),
        ("٤١١١ ١١١١ ١١١١ ١١١١", "**** **** **** ١١١١"),
        ("4111 1111 1111 1111 05/27 123", "**** **** **** 1111 05/27 123"),
        ("4111111111111111.0", "************1111.0"),
        ("card:4111111111111111,5555555555554444", "card:************1111,************4444"),
        ("12 4111111111111111", "12 ************1111"),
    ],
)
def test_all_but_the_last_four_digits_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112", "1234567812345670", "9999999999999995", "0000000000000000", "4222222222222",
        "0.4111111111111111", "3.4111111111111111e5", "a4111111111111111", "4111111111111111b", "sku_4111111111111111",
        "41111111111111110000", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "2026-03-01 14:30:00", "DE89 3704 0044 0532 0130 00",
        "SA03 8000 0000 6080 1016 7519", "SA0380000000608010167519", "+49 1512 3456789", "+966 55 123 4567",
        "404-1234567-1234567", "1Z999AA10123456784", "353490069873368", "8944110068256270054",
    ],
)  # fmt: skip
def test_other_numbers_of_a_shop_are_left_alone(text: str) -> None:
    """A wrong check digit, no scheme, GTIN-13, decimals, codes, IBANs, phones, orders, parcels, IMEI, ICCID."""
    assert not holds_card(text)
    assert masked(text) == text


@given(st.text("0123456789", min_size=12, max_size=13))
def test_no_article_code_is_refused_by_chance(digits: str) -> None:
    code = digits + check_digit(digits, (3, 1))
    assert not holds_card(code)
    assert not holds_card(f"{code} {code}")


def test_a_right_iban_is_never_taken_for_something_else() -> None:
    for _ in range(3_000):
        bban = "".join(random.choice("0123456789") for _digit in range(random.choice([12, 14, 16, 18, 20, 22])))
        check = 98 - int("".join(str(int(sign, 36)) for sign in f"{bban}AT00")) % 97
        iban = f"AT{check:02}{bban}"
        assert not holds_card(iban)
        assert not holds_card(" ".join(iban[at : at + 4] for at in range(0, len(iban), 4))), iban


def texts_of(path: Path) -> Iterator[str]:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for row in csv.reader(raw.decode("latin-1").replace("\r", "\n").splitlines()):
        yield from row


def test_real_tracking_numbers_and_article_files_hold_none(shared: Path) -> None:
    seen = 0
    for file in sorted((shared / "data/carriers/tracking_numbers/couriers").glob("*.json")):
        for kind in json.loads(file.read_text(encoding="utf-8"))["tracking_numbers"]:
            for number in [*kind["test_numbers"]["valid"], *kind["test_numbers"]["invalid"]]:
                assert not holds_card(number), (file.name, number)
                seen += 1
    for file in sorted((shared / "data/products").iterdir()):
        for text in texts_of(file):
            assert not holds_card(text), (file.name, text)
            seen += 1
    assert seen > 5_000


def test_the_places_in_a_document_are_named() -> None:
    document = {"name": "x", "note": f"his {VISA}", "lines": [{"sku": "A"}, {"sku": AMEX}], "extra": {"pan": int(VISA)}}
    assert list(card_fields(document | {"price": Decimal(VISA)})) == ["note", "lines.1.sku", "extra.pan", "price"]
    hidden = masked_values(document)
    assert hidden["lines"] == [{"sku": "A"}, {"sku": "***********0005"}]
    assert not holds_card(hidden)


# The border


def test_the_api_refuses_a_card_number_without_repeating_it(owner: Any, suppliers: Resource) -> None:
    for doc in ({"code": "A", "name": f"Acme {VISA}"}, {"code": AMEX, "name": "Acme"}):
        answer = owner.post(URL, json=doc)
        errors = problem(answer, 422)["errors"]
        assert list(errors) == ["name" if doc["code"] == "A" else "code"]
        assert "payment card" in next(iter(errors.values()))[0]
        assert VISA not in answer.text
        assert AMEX not in answer.text
    owner.post(URL, json={"code": "A", "name": "Acme"})
    problem(owner.patch(f"{URL}/1", json={"name": "4111-1111-1111-1111"}), 422)
    problem(owner.post(f"{URL}/1/notes", json={"text": f"paid by {VISA}"}), 422)
    problem(owner.post(f"{URL}/actions/add_tags", json={"ids": [1], "arguments": {"tags": [VISA]}}), 422)
    assert [doc["name"] for doc in service_of(suppliers).documents([1])] == ["Acme"]


@pytest.mark.parametrize(
    "form", [{"what": "profile", "name": f"Sam {VISA}"}, {"what": "create_token", "token_name": f"Till {VISA}"}]
)
def test_nor_does_the_page_of_the_profile_take_one(signed_in: Any, form: dict[str, str]) -> None:
    browser = signed_in("viewer")
    answer = browser.send("/admin/profile/", **form)
    assert (answer.status_code, "looks like the number of a payment card" in answer.text) == (422, True)
    assert VISA not in browser.get("/admin/profile/").text


def test_a_schema_is_bordered_once(suppliers: Resource) -> None:
    assert bordered(suppliers.schema) is suppliers.schema
    assert suppliers.schema.__name__ == "SupplierSchema"


def test_no_log_line_holds_one() -> None:
    line = without_secrets(None, "error", {"event": f"refused {VISA}", "exception": f"ValueError: {AMEX}", "n": 3})
    assert line == {"event": "refused ************1111", "exception": "ValueError: ***********0005", "n": 3}
