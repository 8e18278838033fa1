# For the parts of tests/packages, to be sourced: tests, their lines and the total.

passed=0 failed=0 skipped=0

# check NAME COMMAND...: one test; its output is shown only when it fails.
check() {
  local name=$1 log begun=$SECONDS
  shift
  log=$(mktemp)
  if ("$@") >"$log" 2>&1 </dev/null; then
    echo "  ok      $name ($((SECONDS - begun)) s)"
    passed=$((passed + 1))
    rm -f "$log"
    return 0
  fi
  echo "  FAILED  $name"
  tail -n 60 "$log" | sed 's/^/    /'
  failed=$((failed + 1))
  rm -f "$log"
  return 1
}

# skip NAME REASON
skip() {
  echo "  skipped $1: $2"
  skipped=$((skipped + 1))
}

# The last line of a part, and its exit code.
total() {
  local line="$passed passed, $failed failed"
  if ((skipped > 0)); then line+=", $skipped skipped"; fi
  echo "$line"
  ((failed == 0))
}
