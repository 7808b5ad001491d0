#!/usr/bin/env bash
# Checks deploy/ with the tools that will read it: promtool and systemd-analyze. usage: check_deploy.sh prometheus|systemd ROOT
# 0 good · 1 defects · 77 the tool is not installed (a failure where $ASSAY_REQUIRE_VECTORS is 1).
set -euo pipefail

what=$1 root=$(cd "$2" && pwd)
needed() {
  command -v "$1" >/dev/null && return
  printf '%s is not installed (Debian: %s)\n' "$1" "$2"
  [ "${ASSAY_REQUIRE_VECTORS:-}" = 1 ] && exit 1
  exit 77
}

case $what in
  prometheus)
    needed promtool prometheus
    cd "$root/deploy/prometheus"
    promtool check rules alerts.yaml
    promtool check config scrape.yaml
    promtool test rules alerts_test.yaml
    # Every alert is tested, and every section that an alert points to exists.
    while read -r alert; do
      [ "$(grep -c "alertname: $alert[,$]*" alerts_test.yaml)" -ge 2 ] || { printf '%s: expected a test that it fires and one that it does not\n' "$alert"; exit 1; }
      grep -qix "### $alert" "$root/docs/operations.md" || { printf '%s: expected a section in docs/operations.md\n' "$alert"; exit 1; }
    done < <(sed -n 's/.*- alert: //p' alerts.yaml)
    ;;
  systemd)
    needed systemd-analyze systemd
    # Exposure, in tenths: 2.0 is the bar.
    systemd-analyze security --offline=yes --threshold=20 "$root/deploy/systemd/assayd.service" | tail -n 1
    ;;
esac
