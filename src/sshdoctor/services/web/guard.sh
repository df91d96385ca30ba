# ---- Web servers, as the guard closes an opening in front of them

# opening_over FILE: the server whose file it is reads its files again, if it runs; false if it does not take them.
opening_over() {
  local unit
  case $1 in
    /etc/nginx/*)
      ! opening_runs nginx || { guard_try nginx -t -q </dev/null && opening_reloads nginx nginx -s reload; }
      ;;
    /etc/apache2/*)
      ! opening_runs apache2 || { guard_try apache2ctl -t </dev/null && opening_reloads apache2 apache2ctl graceful; }
      ;;
    /etc/httpd/*)
      ! opening_runs httpd || { guard_try httpd -t </dev/null && opening_reloads httpd httpd -k graceful; }
      ;;
  esac
}

opening_runs() {
  local file name
  for file in /proc/[0-9]*/comm; do
    { read -r name <"$file"; } 2>/dev/null && [ "$name" = "$1" ] && return 0
  done
  return 1
}

# opening_reloads UNIT COMMAND...
opening_reloads() {
  if guard_systemd && systemctl is-active -q "$1.service"; then
    guard_try systemctl reload "$1.service" </dev/null
  else
    shift
    guard_try "$@" </dev/null
  fi
}

