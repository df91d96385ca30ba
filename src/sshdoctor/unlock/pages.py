"""The pages as HTML: no script, nothing from elsewhere; they fit a phone, and follow light and dark."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape

from msgspec import Struct

from sshdoctor.unlock.question import spelt
from sshdoctor.unlock.words import Language

_STYLE = """
:root { color-scheme: light dark; --text: #1c2024; --quiet: #5b636b; --back: #f3f5f7; --card: #fff;
  --line: #b9c0c7; --strong: #0b57a4; --on-strong: #fff; --bad: #a3161b; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ec; --quiet: #a7b0b8; --back: #14171a;
  --card: #1e2327; --line: #59636c; --strong: #8ab8f0; --on-strong: #10181f; --bad: #ff9a94; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1rem; min-height: 100vh; display: grid; place-items: start center;
  font: 1.0625rem/1.6 system-ui, sans-serif; color: var(--text); background: var(--back); }
main { width: 100%; max-width: 30rem; margin-top: 8vh; padding: 1.5rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .75rem; overflow-wrap: anywhere; }
h1 { margin: 0 0 .75rem; font-size: 1.4rem; line-height: 1.3; }
p { margin: 0 0 1rem; } main > :last-child { margin-bottom: 0; }

dl { margin: 0 0 1rem; } dt { color: var(--quiet); font-size: .9rem; } dd { margin: 0; font-size: 1.15rem;
  font-family: ui-monospace, monospace; }
label { display: block; margin-bottom: .35rem; font-weight: 600; }
input, button { width: 100%; font: inherit; padding: .65rem .8rem; border-radius: .5rem; }
input { margin-bottom: 1rem; color: inherit; background: var(--card); border: 1px solid var(--quiet); }
.digits { display: block; font-size: 1.15rem; }
button { border: 0; font-weight: 600; color: var(--on-strong); background: var(--strong); cursor: pointer; }
:focus-visible { outline: 3px solid var(--strong); outline-offset: 2px; }
a { color: var(--strong); } .bad { color: var(--bad); font-weight: 600; }
"""
_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Vary": "Accept-Language",
}
_LOOK_AGAIN = 4


class Form(Struct, frozen=True, kw_only=True):
    """What is asked for: ``sign`` goes along, ``action`` is where it is sent."""

    action: str
    sign: str
    address: str
    question: int | None = None
    """None: a mail address is asked for."""
    wrong: bool = False


def page(name: str, language: Language, form: Form | None = None, *, home: str = "", **values: object) -> str:
    """The page of that name; ``home`` is where one may begin again."""
    said = language.pages[name]
    parts = [f"<h1>{escape(said.title)}</h1>"]
    parts += [f"<p>{escape(text.format(**values))}</p>" for text in said.text]
    if form is not None:
        parts += _form(form, language)
    if home:
        parts.append(f'<p><a href="{escape(home)}">{escape(language.again)}</a></p>')
    body = "\n".join(parts)
    refresh = f'<meta http-equiv="refresh" content="{_LOOK_AGAIN}">' if name == "working" else ""
    return (
        f'<!doctype html>\n<html lang="{language.code}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{refresh}'
        f"<title>{escape(said.title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def _form(form: Form, language: Language) -> list[str]:
    if form.question is None:
        label, button = escape(language.mail_label), language.send
        kind = 'name="mail" type="email" maxlength="254" autocomplete="email"'
    else:
        digits = escape(spelt(form.question, language.digits, language.separator))
        label = f'{escape(language.question)} <span class="digits">{digits}</span>'
        button = language.let_in
        kind = 'name="answer" type="text" inputmode="numeric" maxlength="20" autocomplete="off"'
    wrong = [f'<p class="bad" role="alert">{escape(language.wrong)}</p>'] if form.wrong else []
    return [
        f"<dl><dt>{escape(language.your_address)}</dt><dd>{escape(form.address)}</dd></dl>",
        *wrong,
        f'<form method="post" action="{escape(form.action)}">',
        f'<input type="hidden" name="form" value="{escape(form.sign)}">',
        f'<label for="field">{label}</label>',
        f'<input id="field" {kind} required>',
        f'<button type="submit">{escape(button)}</button>',
        "</form>",
    ]
