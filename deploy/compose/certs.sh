#!/bin/sh
# An authority of your own and certificates for compose.tls.yaml, where they are missing: ./certs.sh [NAME…], names under which people
# reach this machine. Good for 398 days; delete secrets/*.pem but ca.pem and run it again to renew.
set -eu
cd "$(dirname "$0")"
umask 022
mkdir -p secrets && chmod 700 secrets
cd secrets
if [ ! -e ca.pem ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj '/CN=assay CA' -keyout ca.key -out ca.pem 2>/dev/null
  chmod 600 ca.key
fi
more=''
for name in "$@"; do more="$more,DNS:$name"; done
for name in temporal s3 api client; do
  [ -e "$name.pem" ] && continue
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$name" -keyout "$name.key" -out "$name.csr" 2>/dev/null
  printf 'subjectAltName=DNS:%s,DNS:localhost,IP:127.0.0.1%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$name" "$more" >"$name.ext"
  openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 398 -extfile "$name.ext" -out "$name.pem" 2>/dev/null
  rm "$name.csr" "$name.ext"
  chmod 644 "$name.key"
  echo "made secrets/$name.pem"
done
