#!/bin/sh
# Makes .env and the secrets that are missing; run again it changes none. Give it the two addresses of alerts by hand.
set -eu
cd "$(dirname "$0")"
umask 022
mkdir -p secrets && chmod 700 secrets
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
# Read by the user of a container, behind a folder that only its owner enters.
secret() { [ -e "secrets/$1" ] || { cat >"secrets/$1"; echo "made secrets/$1"; }; }
random | secret postgres_password
random | secret grafana_password
printf '[default]\naws_access_key_id = assay\naws_secret_access_key = %s\n' "$(random)" | secret s3_credentials
printf '{"schema":"assay.tokens/1","tokens":[]}\n' | secret tokens.json
printf 'https://127.0.0.1/not-set' | secret slack_url
printf 'not-set' | secret pagerduty_key
[ -e .env ] || { cp .env.example .env; echo 'made .env'; }
