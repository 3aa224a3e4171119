from hypothesis import given
from hypothesis import strategies as st

from deployer.sandbox.listing import Page, list_page

NAMES = st.sets(st.text(alphabet="ab/ü", max_size=6).filter(bool))


@given(NAMES, st.sampled_from(["", "a", "a/"]), st.sampled_from(["", "/"]), st.integers(1, 4))
def test_pages_of_any_size_together_are_the_whole(
    names: set[str], prefix: str, delimiter: str, limit: int
) -> None:
    whole = list_page(names, prefix=prefix, delimiter=delimiter, limit=len(names) + 1)
    pages = [list_page(names, prefix=prefix, delimiter=delimiter, limit=limit)]
    while (last := pages[-1].last) is not None:
        pages.append(list_page(names, prefix=prefix, delimiter=delimiter, after=last, limit=limit))
    together = Page(
        tuple(name for page in pages for name in page.names),
        tuple(name for page in pages for name in page.prefixes),
        None,
    )
    assert together == whole
    assert all(0 < len(page.names) + len(page.prefixes) <= limit for page in pages[:-1])


@given(NAMES)
def test_a_listing_is_in_byte_order_and_complete(names: set[str]) -> None:
    page = list_page(names, limit=1000)
    assert list(page.names) == sorted(names, key=str.encode)
    assert page.prefixes == ()


def test_names_below_a_delimiter_are_one_prefix() -> None:
    names = ["m/a", "m/b/1", "m/b/2", "m/c", "n"]
    page = list_page(names, prefix="m/", delimiter="/", limit=9)
    assert page == Page(("m/a", "m/c"), ("m/b/",), None)
