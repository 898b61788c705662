#!/bin/sh
# Makes the namespace and its search attributes; does nothing where they are. TEMPORAL_* as the `temporal` command reads them.
set -eu
until temporal operator cluster health >/dev/null 2>&1; do sleep 1; done
temporal operator namespace describe -n "$NAMESPACE" >/dev/null 2>&1 || temporal operator namespace create -n "$NAMESPACE" --retention "${RETENTION:-30d}"
# A namespace is known to all parts of the server only some seconds after it was made.
until known="$(temporal operator search-attribute list -n "$NAMESPACE" 2>/dev/null)"; do sleep 1; done
for attribute in AssayExperiment AssayVariant AssayStage AssayVerdict AssaySnapshot AssaySeries AssayOwner AssayName AssayEffect; do
  type=Keyword
  [ "$attribute" = AssayEffect ] && type=Double
  echo "$known" | grep -q "^ *$attribute " || temporal operator search-attribute create -n "$NAMESPACE" --name "$attribute" --type "$type"
done
echo "namespace $NAMESPACE is ready"
