"""Random access rules of Apache, as files."""

from __future__ import annotations

import random
from pathlib import Path

from sites.oracle import PORT

_IPS = ("127.0.0.2", "127.1", "127.0.0.0/24", "127.0.0.0/255.255.0.0", "192.0.2.0/24", "127.1.2.3 127.9.9.9")
_EXPRESSIONS = (
    "%{REQUEST_METHOD} == 'POST'",
    "%{HTTP_USER_AGENT} =~ /badbot/i",
    "-R '127.1.0.0/16' || %{REQUEST_URI} =~ m#^/a/#",
    "%{QUERY_STRING} == 'x=1' && !(%{HTTP_REFERER} == '')",
    "%{REQUEST_URI} in { '/', '/index.html' }".replace(" in ", " -in "),
    "-z req('Referer')",
    "%{REMOTE_ADDR} -ipmatch '127.0.0.0/24'",
    "true",
)
_REQUIRES = (
    "all granted",
    "all denied",
    "local",
    "method GET",
    "method POST OPTIONS",
    "env bad",
    "env near",
    "valid-user",
    "user anna",
)


def _require(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.4:
        return f"Require ip {chance.choice(_IPS)}"
    if kind < 0.55:
        return f'Require expr "{chance.choice(_EXPRESSIONS)}"'
    return f"Require {chance.choice(_REQUIRES)}"


def _container(chance: random.Random, depth: int = 0) -> str:
    name = chance.choice(("RequireAll", "RequireAny", "RequireNone"))
    lines = [_require(chance) for _ in range(chance.randint(1, 3))]
    if name == "RequireAll" and chance.random() < 0.5:
        lines.append("Require not ip " + chance.choice(_IPS))
    if depth == 0 and chance.random() < 0.4:
        lines.append(_container(chance, 1))
    beside = "Require all granted\n" if name == "RequireNone" else ""
    text = f"<{name}>\n" + "\n".join(lines) + f"\n</{name}>"
    return f"<RequireAll>\n{beside}{text}\n</RequireAll>" if beside else text


def _compat(chance: random.Random) -> str:
    lines = [f"Order {chance.choice(('allow,deny', 'deny,allow'))}"]
    for _ in range(chance.randint(0, 3)):
        whom = chance.choice(("all", "127.0.0.2", "127.1.0.0/16", "127.0", "env=bad", "env=!near"))
        lines.append(f"{chance.choice(('Allow', 'Deny'))} from {whom}")
    if chance.random() < 0.2:
        lines.append(f"Satisfy {chance.choice(('any', 'all'))}")
    return "\n".join(lines)


def _limited(chance: random.Random) -> str:
    name = chance.choice(("Limit", "LimitExcept"))
    inner = _require(chance) if chance.random() < 0.6 else _compat(chance)
    return f"<{name} {chance.choice(('POST', 'GET', 'GET POST', 'DELETE'))}>\n{inner}\n</{name}>"


def _rewriting(chance: random.Random, in_folder: bool) -> str:
    slash = "" if in_folder else "/"
    lines = ["RewriteEngine " + chance.choice(("On", "On", "On", "Off"))]
    if in_folder and chance.random() < 0.2:
        lines.append("RewriteBase /")
    for _ in range(chance.randint(1, 3)):
        for _ in range(chance.choice((0, 0, 1, 1, 2))):
            lines.append(
                "RewriteCond " + chance.choice(_CONDITIONS) + chance.choice(("", "", " [OR]", " [NC]"))
            )
        lines.append("RewriteRule " + chance.choice(_RULES).replace("^/", f"^{slash}"))
    return "\n".join(lines)


_CONDITIONS = (
    "%{HTTP_USER_AGENT} BadBot",
    "%{HTTP_USER_AGENT} ^$",
    "%{REQUEST_METHOD} !^(GET|HEAD)$",
    "%{REMOTE_ADDR} ^127\\.1",
    "%{REQUEST_FILENAME} !-f",
    "%{REQUEST_FILENAME} -d",
    "%{HTTP_REFERER} !site\\.test",
    "%{QUERY_STRING} ^x=(.)",
    "%{REQUEST_URI} !^/(a|static)/",
    "%{HTTP_HOST} =site.test",
    "%{ENV:bad} 1",
    "%{THE_REQUEST} xmlrpc",
)
_RULES = (
    "^/xmlrpc\\.php$ - [F]",
    "\\.php$ - [F,L]",
    "^/old/(.*)$ /a/$1 [L]",
    "^/a/?$ /xmlrpc.php",
    ". /index.html [L]",
    "^/static/ - [G]",
    "^ - [R=404,L]",
    "^/old/(.*) http://elsewhere.test/$1 [R=301,L]",
    "^/wp-json - [L]",
    "!^/a - [F]",
    "^ - [E=bad:1]",
    "^/(.*)\\.html$ /$1.php [PT]",
    "^/none - [S=1]",
    "^/A/ - [NC,F]",
)
_REDIRECTS = (
    "Redirect 403 /static",
    "Redirect gone /old",
    "RedirectMatch 404 \\.png$",
    "Redirect /wp-json http://other.test/",
    "RedirectMatch 403 (?i)^/a/.*php",
    "RedirectMatch html$ http://other.test/",
    "RedirectMatch 404 index",
)
_ENVS = (
    "SetEnvIf User-Agent BadBot bad",
    "SetEnvIfNoCase User-Agent ^curl bad=1 !near",
    "BrowserMatch ^$ bad",
    "SetEnvIf Remote_Addr ^127\\.0\\.0 near",
    "SetEnvIf Request_URI php near",
    "SetEnvIf Referer mirror bad",
)


def _access(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.35:
        text = _require(chance)
    elif kind < 0.55:
        text = _container(chance)
    elif kind < 0.7:
        text = _compat(chance)
    elif kind < 0.8:
        text = _limited(chance)
    elif kind < 0.9:
        text = "\n".join((_require(chance), _require(chance)))
    else:
        text = (
            chance.choice(("AuthMerging And", "AuthMerging Or", "AuthMerging Off")) + "\n" + _require(chance)
        )
    if "valid-user" in text or "user anna" in text or chance.random() < 0.05:
        text = 'AuthType Basic\nAuthName "a realm"\nAuthUserFile {folder}/htpasswd\n' + text
    return text


def _body(chance: random.Random, in_folder: bool, nested: bool = True) -> str:
    lines = []
    if chance.random() < 0.7:
        lines.append(_access(chance))
    if in_folder and chance.random() < 0.3:
        lines.append(_rewriting(chance, True))
    if chance.random() < 0.15:
        lines.append(chance.choice(_REDIRECTS))
    if chance.random() < 0.15:
        lines.append(chance.choice(_ENVS))
    if in_folder and chance.random() < 0.2:
        lines.append(
            "Options " + chance.choice(("Indexes", "-Indexes +FollowSymLinks", "None", "All", "+Indexes"))
        )
    if in_folder and chance.random() < 0.1:
        lines.append(
            "DirectoryIndex " + chance.choice(("index.php index.html", "b.php", "none.html", "disabled"))
        )
    if in_folder and chance.random() < 0.05:
        lines.append(f"DirectorySlash {chance.choice(('Off', 'On'))}")
    if nested and in_folder and chance.random() < 0.3:
        lines.append(_files(chance))
    if nested and chance.random() < 0.2:
        lines.append(_if(chance))
    return "\n".join(lines)


def _files(chance: random.Random) -> str:
    head = chance.choice(
        ('<Files "xmlrpc.php">', '<Files "*.php">', '<FilesMatch "\\.(php|png)$">', '<Files ~ "^\\.">')
    )
    end = "FilesMatch" if "FilesMatch" in head else "Files"
    return f"{head}\n{_access(chance)}\n</{end}>"


def _if(chance: random.Random) -> str:
    text = f'<If "{chance.choice(_EXPRESSIONS)}">\n{_access(chance)}\n</If>'
    if chance.random() < 0.3:
        text += f"\n<Else>\n{_access(chance)}\n</Else>"
    return text


def _section(chance: random.Random) -> str:
    name, arg = chance.choice(
        (
            ("Directory", '"{folder}/root"'),
            ("Directory", '"{folder}/root/a"'),
            ("Directory", '"{folder}/root/*"'),
            ("Directory", "{folder}/root/static/"),
            ("DirectoryMatch", '"root/(a|static)/"'),
            ("Directory", "/"),
            ("Location", "/a"),
            ("Location", "/xmlrpc.php"),
            ("Location", "/"),
            ("LocationMatch", '"^/(a|old)/"'),
            ("Location", '"/*.php"'),
            ("Location", "/static/"),
            ("Location", '~ "php$"'),
        )
    )
    if name == "Directory" and chance.random() < 0.3:
        override = chance.choice(
            ("None", "All", "All", "AuthConfig", "FileInfo Limit", "FileInfo AuthConfig Options")
        )
        body = f"AllowOverride {override}\n" + _body(chance, True)
    else:
        body = _body(chance, name == "Directory")
    return f"<{name} {arg}>\n{body}\n</{name}>"


def _server(chance: random.Random) -> str:
    name = chance.choice(
        ("ServerName site.test\nServerAlias www.site.test", "ServerName other.test\nServerAlias *.y.test")
    )
    lines = [name]
    if chance.random() < 0.4:
        lines.append(_rewriting(chance, False))
    if chance.random() < 0.3:
        lines.append(chance.choice(_REDIRECTS))
    if chance.random() < 0.3:
        lines.append(chance.choice(_ENVS))
    if chance.random() < 0.2:
        lines.append("Alias /old {folder}/root/a")
    if chance.random() < 0.2:
        lines.append(_files(chance))
    lines += [_section(chance) for _ in range(chance.randint(0, 4))]
    return f"<VirtualHost *:{PORT}>\n" + "\n".join(lines) + "\n</VirtualHost>"


def configuration(chance: random.Random, folder: Path) -> tuple[str, dict[str, str]]:
    """The rules, and .htaccess files by their folder below the root."""
    lines = [_section(chance) for _ in range(chance.randint(0, 3))]
    lines += [_server(chance) for _ in range(chance.randint(0, 2))]
    if chance.random() < 0.3:
        lines.append("RemoteIPHeader X-Forwarded-For")
        if chance.random() < 0.7:
            lines.append(f"RemoteIP{chance.choice(('Internal', 'Trusted'))}Proxy 127.0.0.0/8")
    lines += [chance.choice(_ENVS) for _ in range(chance.randint(0, 2))]
    files = {}
    for below in ("", "a", "static"):
        if chance.random() < 0.4:
            files[below] = _body(chance, True).replace("{folder}", str(folder)) + "\n"
    return "\n".join(lines).replace("{folder}", str(folder)), files
