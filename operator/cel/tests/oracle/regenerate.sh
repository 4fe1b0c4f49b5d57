#!/bin/sh
# Records what the API server's environment makes of the parity corpus.
set -eu
cd "$(dirname "$0")"
cargo run --quiet --package snc-cel --example parity -- questions | go run . > ../parity-expected.json
