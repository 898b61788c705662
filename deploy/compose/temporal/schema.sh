#!/bin/sh
# Makes and updates Temporal's tables; does nothing where they are. SCHEMA and SQL_TOOL are those of the admin-tools image.
set -eu
SQL_PASSWORD="$(cat "$SQL_PASSWORD_FILE")"
export SQL_PASSWORD SQL_PLUGIN=postgres12
schema="${SCHEMA:-/etc/temporal/schema/postgresql/v12}"
tool="${SQL_TOOL:-temporal-sql-tool}"
for part in temporal:temporal temporal_visibility:visibility; do
  database="${part%:*}"
  # `create` is quiet about a database that is there, `setup-schema` is not.
  "$tool" --db "$database" create
  "$tool" --db "$database" update-schema --dry-run -d "$schema/${part#*:}/versioned" >/dev/null 2>&1 || "$tool" --db "$database" setup-schema -v 0.0
  "$tool" --db "$database" update-schema -d "$schema/${part#*:}/versioned"
done
