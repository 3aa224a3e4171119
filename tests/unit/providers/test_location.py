import pytest

from deployer.errors import SetupError
from deployer.providers.location import parse_location


@pytest.mark.parametrize(
    ("url", "bucket", "prefix", "full"),
    [
        ("s3://acme", "acme", "", "a/b"),
        ("s3://acme/", "acme", "", "a/b"),
        ("s3://acme/models/v1/", "acme", "models/v1", "models/v1/a/b"),
    ],
)
def test_slashes_around_the_prefix_do_not_matter(
    url: str, bucket: str, prefix: str, full: str
) -> None:
    location = parse_location(url, scheme="s3")
    assert (location.bucket, location.prefix) == (bucket, prefix)
    assert location.full_key("a/b") == full
    assert location.short_key(full) == "a/b"
    assert location.url == url.rstrip("/")


@pytest.mark.parametrize("url", ["s3://", "s3:acme", "gs://acme", "acme", "s3://a?x=1", "s3:///p"])
def test_what_is_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(SetupError, match="not the address of a store"):
        parse_location(url, scheme="s3")
