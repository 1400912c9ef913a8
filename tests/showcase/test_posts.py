from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from showcase.models import Post, Reply

ClientFor = Callable[[User], Client]


@pytest.mark.django_db
def test_a_site_without_posts_shows_a_hint(client: Client) -> None:
    assert "No posts yet." in client.get("/").content.decode()


def test_everybody_can_read_a_published_post(client_for: ClientFor, alice: User, client: Client) -> None:
    page = client_for(alice).post("/", {"title": "Hello", "body": "First line\n\nSecond line"}, follow=True)

    post = Post.objects.get()
    assert page.redirect_chain == [(f"/posts/{post.pk}/", 302)]
    assert "Post published." in page.content.decode()
    read = client.get(f"/posts/{post.pk}/").content.decode()
    assert "<p>Second line</p>" in read
    assert "Alice" in read


@pytest.mark.django_db
def test_an_anonymous_visitor_cannot_publish_a_post(client: Client) -> None:
    answer = client.post("/", {"title": "Hello", "body": "…"})

    assert answer.headers["Location"] == "/accounts/login/?next=/"
    assert not Post.objects.exists()


@pytest.mark.parametrize("form", [{"title": "", "body": "Text"}, {"title": "T" * 121, "body": "Text"}, {"title": "T"}])
def test_an_incomplete_post_is_rejected_with_its_form(client_for: ClientFor, alice: User, form: dict[str, str]) -> None:
    page = client_for(alice).post("/", form)

    assert page.status_code == 200
    assert 'aria-invalid="true"' in page.content.decode()
    assert not Post.objects.exists()


def test_user_text_is_never_markup(client_for: ClientFor, alice: User) -> None:
    post = Post.objects.create(author=alice, title="<b>T</b>", body="<script>alert(1)</script>")
    Reply.objects.create(post=post, author=alice, body="<img src=x onerror=alert(1)>")

    for url in ("/", f"/posts/{post.pk}/"):
        page = client_for(alice).get(url).content.decode()
        assert "<b>T" not in page
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_the_front_page_lists_the_newest_posts_first_in_pages(client: Client, alice: User) -> None:
    for day in range(12):
        Post.objects.create(author=alice, title=f"Day {day}", body="…", created=timezone.now() - timedelta(days=day))

    first, second = (client.get(f"/?page={number}").content.decode() for number in (1, 2))
    assert first.index("Day 0") < first.index("Day 9")
    assert "Day 10" not in first
    assert "Day 11" in second


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["0", "99", "x", "-1"])
def test_an_invalid_page_number_shows_the_nearest_page(client: Client, page: str) -> None:
    assert client.get("/", {"page": page}).status_code == 200


def test_the_front_page_needs_two_queries_for_any_number_of_posts(
    client: Client, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(10):
        post = Post.objects.create(author=alice, title=f"Post {number}", body="…")
        Reply.objects.create(post=post, author=alice, body="…")

    with django_assert_num_queries(2):
        client.get("/")


def test_a_missing_post_is_not_found(client: Client, db: None) -> None:
    assert client.get("/posts/1/").status_code == 404
    assert client.post("/posts/1/", {"body": "Hello?"}).status_code == 404


def test_the_admin_lists_and_edits_posts_and_replies(client_for: ClientFor, admin: User, alice: User) -> None:
    post = Post.objects.create(author=alice, title="Hello", body="…")
    reply = Reply.objects.create(post=post, author=admin, body="Hi")
    client = client_for(admin)

    for url in ("post/", f"post/{post.pk}/change/", "reply/", f"reply/{reply.pk}/change/"):
        assert client.get(f"/admin/showcase/{url}").status_code == 200
