# Sourced by the benchmarks: FRAMES is the program to measure. PROFILE=dev measures the build that
# `cargo dev` makes; FRAMES may name one that was built before.
PROFILE="${PROFILE:-release}"
directory="target/$([ "$PROFILE" = dev ] && echo debug || echo "$PROFILE")"
if [ -z "${FRAMES:-}" ]; then
  cargo build --quiet --locked --profile "$PROFILE" --package frames --no-default-features
  FRAMES="$PWD/$directory/frames"
fi
export FRAMES
