from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from notifications_hub import live_list
from showcase.forms import PostForm, ReplyForm
from showcase.models import Post, Reply
from showcase.replies import reply_to

POSTS_ON_A_PAGE = 10


@require_http_methods(["GET", "HEAD", "POST"])
def front_page(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _front_page(request, PostForm())
    if not request.user.is_authenticated:
        return redirect_to_login(request.path)
    form = PostForm(request.POST)
    if not form.is_valid():
        return _front_page(request, form)
    form.instance.author = request.user
    post = form.save()
    messages.success(request, _("Post published."))
    return redirect(post)


def _front_page(request: HttpRequest, form: PostForm) -> HttpResponse:
    # Order explicitly, because grouping rows drops the order of a model's Meta.
    posts = Post.objects.select_related("author").annotate(reply_count=Count("replies")).order_by("-created", "-pk")
    page = Paginator(posts, POSTS_ON_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "showcase/front_page.html", {"form": form, "page": page})


@require_http_methods(["GET", "HEAD", "POST"])
def post_page(request: HttpRequest, pk: int) -> HttpResponse:
    post = get_object_or_404(Post.objects.select_related("author"), pk=pk)
    if request.method != "POST":
        return _post_page(request, post, ReplyForm())
    if not request.user.is_authenticated:
        return redirect_to_login(request.path)
    form = ReplyForm(request.POST)
    if not form.is_valid():
        return _post_page(request, post, form)
    reply = reply_to(post, request.user, form.cleaned_data["body"])
    messages.success(request, _("Reply posted."))
    return redirect(reply)


def _post_page(request: HttpRequest, post: Post, form: ReplyForm, edit: ReplyForm | None = None) -> HttpResponse:
    """Render a post. `form` is the new reply; `edit` is a change of one that could not be saved."""
    replies = live_list(request, f"post.{post.pk}", post.replies.select_related("author"))
    return render(request, "showcase/post.html", {"post": post, "replies": replies, "form": form, "edit": edit})


@require_http_methods(["GET", "HEAD", "POST"])
def change_reply(request: HttpRequest, pk: int) -> HttpResponse:
    """Change or delete a reply of the signed-in person. Answer 404 for another person's.

    GET redirects to the reply: a page that shows an invalid change has this address, and may be reloaded.
    """
    if request.method != "POST":
        return redirect(get_object_or_404(Reply.objects.select_related("post"), pk=pk))
    if not request.user.is_authenticated:
        return redirect_to_login(reverse("front_page"))
    reply = get_object_or_404(Reply, pk=pk, author=request.user)
    if request.POST.get("action") == "delete":
        return _delete_reply(request, reply)
    form = ReplyForm(request.POST, instance=reply)
    if not form.is_valid():
        return _post_page(request, reply.post, ReplyForm(), edit=form)
    form.save()
    messages.success(request, _("Reply saved."))
    return redirect(reply)


def _delete_reply(request: HttpRequest, reply: Reply) -> HttpResponse:
    post = reply.post
    reply.delete()
    messages.success(request, _("Reply deleted."))
    return redirect(post)
