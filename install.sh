#!/bin/sh
# Installs a release of frames, or takes it away again: `sh install.sh --help`.
#
# One file, since it is downloaded as one. All is in functions, and the last line calls them: a download that was cut runs nothing.
# It runs in any POSIX shell, with curl or GNU wget, tar and gzip, and a program for SHA-256.

set -eu

usage() {
  cat <<'END'
Installs frames for this user, without root.

Usage: install.sh [--from DIR_OR_URL] [--to DIR] [--version X]
       install.sh --uninstall [--to DIR]

  --from DIR_OR_URL  the folder, or the https address, that has SHA256SUMS and the archive
  --to DIR           where the program goes [default: ~/.local/bin]
  --version X        the version, where --from has several
  --uninstall        removes what was installed, and nothing else
  --help             prints this

Man pages and completions go to the folder share beside a --to that ends in /bin, else below it.

Without --from, FRAMES_RELEASES is the https address of a releases page, as GitHub has it.
frames has no public address yet, so one of the two is needed.
END
}

main() {
  exec 3>&2
  from=
  to=
  version=
  uninstall=
  while [ $# -gt 0 ]; do
    case $1 in
      --from | --to | --version)
        [ $# -ge 2 ] || misused "$1 needs a value"
        set_option "$1" "$2"
        shift
        ;;
      --from=* | --to=* | --version=*) set_option "${1%%=*}" "${1#*=}" ;;
      --uninstall) uninstall=yes ;;
      --help | -h)
        usage
        exit 0
        ;;
      *) misused "install.sh doesn't know $1" ;;
    esac
    shift
  done

  # What tools say is read below, in English.
  LC_ALL=C
  export LC_ALL
  unset CDPATH
  umask 022

  work=
  child=
  committing=
  held=
  trap 'ended $?' EXIT
  hear
  choose_places
  choose_summer
  hold
  work=$(mktemp -d "${TMPDIR:-/tmp}/frames.XXXXXXXX" 2>/dev/null) ||
    fail "can't make a temporary folder in ${TMPDIR:-/tmp}" "Set TMPDIR to a folder that you may write to."
  : >"$work/staged"
  : >"$work/made"
  hear

  if [ -n "$uninstall" ]; then
    [ -z "$from$version" ] || misused "--uninstall takes --to only"
    remove_all
  else
    check_platform
    choose_source
    take_archive
    open_archive
    plan_files
    stage_files
    try_program
    commit_files
    say_what_next
  fi
}

set_option() {
  [ -n "$2" ] || misused "$1 needs a value"
  case $2 in
    *"
"*) misused "$1 has a line break" ;;
  esac
  case $1 in
    --from) from=$2 ;;
    --to) to=$2 ;;
    --version) version=${2#v} ;;
  esac
}

# ---- What is said, and how it ends.

# Not to stderr as it is when a signal comes: that may be a file just then.
say() { printf '%s\n' "$*" >&3; }

# Text on one line, without what a terminal would obey, and without an address's password.
shown() {
  printf '%s\n' "$1" | tr '\n' ' ' | sed -e 's/ $//' -e 's/[[:cntrl:]]/?/g' -e 's#://[^/@]*@#://***@#g'
}

# What a server or an archive says: only ASCII.
plain() { printf '%s\n' "$1" | sed -e 's/[^ -~]/?/g'; }

last_line() { plain "$(sed -e '/^ *$/d' "$1" | tail -n 1)"; }

fail() {
  say "error: $(shown "$1")"
  [ -z "${2:-}" ] || say "help: $(shown "$2")"
  exit 1
}

misused() {
  say "error: $(shown "$1")"
  say "help: install.sh --help shows what there is."
  exit 2
}

interrupted() {
  trap '' INT TERM HUP
  say "error: interrupted, and nothing was changed"
  say "help: Run the same command again."
  exit 130
}

# A signal between these two waits, so that what is made in between is known and removed.
hold() { trap 'held=yes' INT TERM HUP; }

hear() {
  trap 'interrupted' INT TERM HUP
  [ -z "$held" ] || interrupted
}

# Whatever the end: nothing of a run that failed stays.
ended() {
  trap '' INT TERM HUP
  trap - EXIT
  set +e
  [ -z "$child" ] || kill "$child" 2>/dev/null
  if [ -n "$work" ]; then
    while IFS= read -r staged && IFS= read -r _; do
      rm -f -- "$staged"
    done <"$work/staged"
    [ -n "$committing" ] || remove_folders "$work/made"
    rm -rf -- "$work"
  fi
  exit "$1"
}

# A program that a signal need not wait for.
run() {
  "$@" </dev/null 3>&- &
  child=$!
  ran=0
  wait "$child" || ran=$?
  child=
  return "$ran"
}

has() { command -v "$1" >/dev/null 2>&1; }

# ---- Where, and with what.

choose_places() {
  data=
  if [ -z "$to" ]; then
    [ -n "${HOME:-}" ] || fail "HOME isn't set" "Say where frames goes: --to DIR."
    to=$HOME/.local/bin
    case ${XDG_DATA_HOME:-} in
      /*) data=$XDG_DATA_HOME ;;
    esac
  fi
  case $to in
    /*) ;;
    *) to=$PWD/$to ;;
  esac
  if [ -d "$to" ]; then
    to=$(cd -- "$to" && pwd) || fail "can't enter $to" "Name a folder that you may use: --to DIR."
  fi
  while [ "$to" != / ] && [ "$to" != "${to%/}" ]; do
    to=${to%/}
  done
  case $to$data in
    *"
"*) fail "the path of the folder has a line break" "Name another one: --to DIR." ;;
  esac
  case $to in
    */bin) prefix=${to%/bin} ;;
    *) prefix=$to ;;
  esac
  data=${data:-$prefix/share}
  receipt=$prefix/share/frames/receipt
}

choose_summer() {
  for summer in sha256sum shasum openssl none; do
    if has "$summer"; then
      break
    fi
  done
  [ "$summer" != none ] ||
    fail "there is no program for SHA-256, so nothing can be checked, and nothing was installed" \
      "Install coreutils (sha256sum), Perl's shasum or openssl."
}

# The SHA-256 of a file; by its content only, since some of the programs escape odd names.
sum_of() {
  case $summer in
    sha256sum) sha256sum <"$1" ;;
    shasum) shasum -a 256 <"$1" ;;
    openssl) openssl dgst -sha256 -r <"$1" ;;
  esac | cut -d ' ' -f 1
}

is_sum() {
  case $1 in
    *[!0-9a-f]*) return 1 ;;
  esac
  [ ${#1} -eq 64 ]
}

check_platform() {
  elsewhere="Build it from a clone instead: CONTRIBUTING.md, \"Build and test\"."
  system=$(uname -s)
  [ "$system" = Linux ] || fail "releases of frames are for Linux, and this is $system" "$elsewhere"
  machine=$(uname -m)
  case $machine in
    x86_64 | amd64) ;;
    *) fail "releases of frames are for x86_64, and this is $machine" "$elsewhere" ;;
  esac
  libc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || libc=
  if [ -z "$libc" ]; then
    libc=$(ldd --version 2>&1 | sed -n -e 's/.*musl.*/musl/p' -e 's/^ldd (.*) \([0-9.]*\)$/glibc \1/p' | sed 1q) || libc=
  fi
  case $libc in
    musl*) fail "frames needs glibc 2.28 or newer, and this system has musl" "$elsewhere" ;;
    glibc\ [0-9]*.[0-9]*)
      number=${libc#glibc }
      minor=${number#*.}
      minor=${minor%%[!0-9]*}
      if [ "${number%%.*}" -lt 2 ] || { [ "${number%%.*}" -eq 2 ] && [ "$minor" -lt 28 ]; }; then
        fail "frames needs glibc 2.28 or newer, and this system has $number" \
          "Use a newer system (Debian 10, Ubuntu 20.04, RHEL 8 or later), or build from a clone."
      fi
      ;;
    # Unknown. The program itself is tried before it is installed.
    *) ;;
  esac
  for tool in tar gzip mktemp; do
    has "$tool" || fail "$tool isn't installed" "Install $tool with this system's package manager."
  done
}

choose_source() {
  case $version in
    '') ;;
    [!0-9]* | *[!0-9A-Za-z.+-]*) misused "$version isn't a version, which looks like 1.2.3" ;;
  esac
  if [ -z "$from" ]; then
    [ -n "${FRAMES_RELEASES:-}" ] ||
      fail "it isn't known where releases are: frames has no public address yet" \
        "Name the folder or the https address that has SHA256SUMS and the archive: --from DIR_OR_URL."
    from=${FRAMES_RELEASES%/}
    case $from in
      https://*) ;;
      *) fail "FRAMES_RELEASES is no https address: $from" "Set it to the releases page, or take a folder by --from." ;;
    esac
    if [ -n "$version" ]; then
      from=$from/download/v$version
    else
      from=$from/latest/download
    fi
  fi
  case $from in
    https://*)
      case $from in
        *[\?\#]*) fail "--from has a query or a fragment: ${from%%[?#]*}" "Name the folder in which the files are." ;;
      esac
      from=${from%/}
      choose_fetcher
      ;;
    *://*) fail "--from is no https address: $from" "Use https, or download the files and name their folder." ;;
    *) [ -d "$from" ] || fail "there is no folder $from" "--from is a folder, or an address that begins with https://." ;;
  esac
}

choose_fetcher() {
  for fetcher in curl wget none; do
    case $fetcher in
      # Another wget, such as busybox's, may take any certificate.
      wget) wget --version 2>/dev/null | sed 1q | grep -q 'GNU Wget' || continue ;;
      none) break ;;
    esac
    if has "$fetcher"; then
      return
    fi
  done
  fail "there is neither curl nor GNU wget" \
    "Install curl. Or download SHA256SUMS and the archive on another machine, and name their folder: --from DIR."
}

# ---- The archive, checked.

# A copy of a file of the source. It is checked and used, so nobody can change it in between.
take() {
  case $from in
    https://*)
      say "downloading $(shown "$from/$1")"
      fetch "$from/$1" "$work/$1" && return
      fail "can't download $from/$1: $(last_line "$work/said")" \
        "Look at the address, the network and its proxy. With the files on this machine: --from DIR."
      ;;
    *)
      [ -f "$from/$1" ] || fail "there is no $1 in $from" "Put SHA256SUMS and the archive into one folder."
      cat -- "$from/$1" >"$work/$1" || fail "can't read $from/$1" "See that you may read it, and that the disk has room."
      ;;
  esac
}

fetch() {
  if [ "$fetcher" = wget ]; then
    fetch_by_wget "$1" "$2"
    return
  fi
  # --no-insecure: a ~/.curlrc must not switch the check of certificates off.
  run curl --no-insecure --proto '=https' --proto-redir '=https' --tlsv1.2 --fail --silent --show-error \
    --location --max-redirs 5 --connect-timeout 30 --speed-limit 1 --speed-time 60 --max-filesize 300000000 \
    --output "$2" --url "$1" 2>"$work/said" && return
  # Behind what is wrong, curl may say more than fits.
  sed -n 's/^curl: //p' "$work/said" | sed 1q >"$work/status"
  mv "$work/status" "$work/said"
  return 1
}

# wget would follow a redirect to http, so it follows none, and this does.
fetch_by_wget() {
  address=$1
  for _ in 1 2 3 4 5 6; do
    run wget --quiet --server-response --max-redirect=0 --execute check_certificate=on --secure-protocol=TLSv1_2 \
      --tries=1 --timeout=60 --output-document="$2" "$address" 2>"$work/said" && return
    next=$(tr -d '\r' <"$work/said" | sed -n 's/^ *[Ll]ocation: *\([^ ]*\).*$/\1/p' | tail -n 1)
    case $next in
      '')
        grep 'HTTP/' "$work/said" >"$work/status" && mv "$work/status" "$work/said"
        return 1
        ;;
      https://*) address=$next ;;
      //*) address=https:$next ;;
      /*)
        host=${address#https://}
        address=https://${host%%/*}$next
        ;;
      *)
        printf 'it leads to %s, which is no https address\n' "$next" >"$work/said"
        return 1
        ;;
    esac
  done
  echo "too many redirects" >"$work/said"
  return 1
}

take_archive() {
  take SHA256SUMS
  [ "$(wc -c <"$work/SHA256SUMS")" -le 65536 ] || not_sums "it is too large"
  if [ -z "$version" ]; then
    only_version
  fi
  folder=frames-$version-x86_64-linux
  archive=$folder.tar.gz
  wanted=
  while read -r sum name || [ -n "$sum" ]; do
    [ "${name#\*}" = "$archive" ] || continue
    [ -z "$wanted" ] || not_sums "it has more than one line for $archive"
    is_sum "$sum" || not_sums "its line for $archive has no SHA-256"
    wanted=$sum
  done <"$work/SHA256SUMS"
  [ -n "$wanted" ] || not_sums "it has no line for $archive"
  take "$archive"
  found=$(sum_of "$work/$archive") || found=
  [ "$found" = "$wanted" ] ||
    fail "$archive isn't what SHA256SUMS says, and nothing was installed: its SHA-256 is ${found:-unknown}, not $wanted" \
      "Download it again. If it stays so, don't use it, and tell whoever publishes it."
}

only_version() {
  while read -r _ name || [ -n "$name" ]; do
    name=${name#\*}
    case $name in
      frames-[0-9]*-x86_64-linux.tar.gz) ;;
      *) continue ;;
    esac
    name=${name#frames-}
    name=${name%-x86_64-linux.tar.gz}
    case $name in
      *[!0-9A-Za-z.+-]*) not_sums "it names a version that is none" ;;
    esac
    [ -z "$version" ] || [ "$version" = "$name" ] ||
      fail "$from has several versions: $version and $name" "Say which one: --version X."
    version=$name
  done <"$work/SHA256SUMS"
  [ -n "$version" ] || not_sums "it has no line for an archive of frames"
}

not_sums() {
  fail "SHA256SUMS of $from can't be used: $1" \
    "It has one line for each file: the SHA-256, two spaces, the name. Nothing was installed."
}

# The sum was right. Even so, nothing is unpacked that could leave the folder.
open_archive() {
  broken="Nothing was installed. Tell whoever publishes it."
  if ! tar -tzf "$work/$archive" >"$work/names" 2>/dev/null || ! tar -tvzf "$work/$archive" >"$work/kinds" 2>/dev/null; then
    fail "$archive can't be read" "$broken"
  fi
  while IFS= read -r name; do
    case $name in
      "$folder" | "$folder/") continue ;;
      "$folder"/*) ;;
      *) fail "$archive has something outside of $folder: $(plain "$name")" "$broken" ;;
    esac
    case $name in
      *[!A-Za-z0-9._/+-]* | */../* | */.. | *//*) fail "$archive has a name that isn't plain: $(plain "$name")" "$broken" ;;
    esac
  done <"$work/names"
  while IFS= read -r kind; do
    case $kind in
      *' -> '* | *' link to '*) ;;
      -* | d*) continue ;;
    esac
    fail "$archive has something that is neither file nor folder: $(plain "$kind")" "$broken"
  done <"$work/kinds"
  mkdir "$work/open"
  tar -xzof "$work/$archive" -C "$work/open" 2>"$work/said" ||
    fail "can't unpack $archive: $(last_line "$work/said")" "See that ${TMPDIR:-/tmp} has room, or set TMPDIR."
  for name in frames LICENSE THIRD-PARTY-LICENSES.txt; do
    [ -f "$work/open/$folder/$name" ] || fail "$archive has no $name" "$broken"
  done
}

# ---- The files, in three lines each: mode, path in the archive, where it goes.

plan_files() {
  cd -- "$work/open/$folder"
  {
    planned 755 frames "$to/frames"
    planned 644 LICENSE "$prefix/share/frames/LICENSE"
    planned 644 THIRD-PARTY-LICENSES.txt "$prefix/share/frames/THIRD-PARTY-LICENSES.txt"
    planned 644 completions/frames.bash "$data/bash-completion/completions/frames"
    planned 644 completions/_frames "$data/zsh/site-functions/_frames"
    planned 644 completions/frames.fish "$data/fish/vendor_completions.d/frames.fish"
    for page in man/man1/frames*.1; do
      planned 644 "$page" "$prefix/share/man/man1/${page##*/}"
    done
  } >"$work/plan"
  cd /
  while IFS= read -r _ && IFS= read -r _ && IFS= read -r target; do
    may_write "$target"
  done <"$work/plan"
}

planned() {
  [ ! -f "$2" ] || printf '%s\n' "$@"
}

# What somebody else put there isn't replaced.
may_write() {
  if [ -e "$1" ] || [ -L "$1" ]; then
    is_ours "$1" ||
      fail "$1 is there already, and isn't what this script installed" \
        "Move it away, or install to another folder: --to DIR. Nothing was changed."
  fi
}

# A file that a receipt lists, with the content that was installed.
is_ours() {
  if [ -L "$1" ] || [ ! -f "$1" ] || [ ! -f "$receipt" ]; then
    return 1
  fi
  grep -qxF -e "$(sum_of "$1")  $1" "$receipt"
}

# The folder, and those above it that are missing. A run that fails removes them again.
make_folder() {
  missing=
  above=$1
  while [ ! -d "$above" ]; do
    missing="$above
$missing"
    above=$(dirname -- "$above")
  done
  mkdir -p -- "$1" 2>"$work/said" || {
    printf '%s' "$missing" >>"$work/made"
    cant_write "$1" "$(last_line "$work/said")"
  }
  printf '%s' "$missing" >>"$work/made"
}

cant_write() {
  fail "can't write to $1: ${2##*: }" "Name a folder that you may write to: --to DIR. Nothing was changed."
}

# The innermost first, and only empty ones.
remove_folders() {
  sed -n '1!G;h;$p' "$1" | while IFS= read -r folder_made; do
    [ -z "$folder_made" ] || rmdir -- "$folder_made" 2>/dev/null || :
  done
}

# Each file first gets another name in its folder: from there it can be moved in one step.
stage_files() {
  program=
  while IFS= read -r mode && IFS= read -r source && IFS= read -r target; do
    stage "$mode" "$work/open/$folder/$source" "$target"
    program=${program:-$staged}
    printf '%s  %s\n' "$(sum_of "$staged")" "$target" >>"$work/installed"
  done <"$work/plan"
  make_folder "$prefix/share/frames"
  cp "$work/staged" "$work/moves"

  : >"$work/old"
  [ ! -f "$receipt" ] || cat -- "$receipt" >"$work/old"
  grep '^[0-9a-f]*  /' "$work/old" >"$work/older" || :
  {
    echo "frames $version"
    grep '^folder /' "$work/old" || :
    sed -e '/^$/d' -e 's/^/folder /' "$work/made"
    cat "$work/installed"
  } >"$work/new"
  cat "$work/new" "$work/older" >"$work/both"
  stage 644 "$work/both" "$receipt"
  receipt_of_both=$staged
  stage 644 "$work/new" "$receipt"
  receipt_of_new=$staged
}

stage() {
  beside=$(dirname -- "$3")
  make_folder "$beside"
  hold
  staged=$(mktemp "$beside/.frames.XXXXXXXX" 2>"$work/said") || cant_write "$beside" "$(last_line "$work/said")"
  printf '%s\n%s\n' "$staged" "$3" >>"$work/staged"
  hear
  { cat -- "$2" >"$staged" && chmod "$1" "$staged"; } 2>"$work/said" || cant_write "$beside" "$(last_line "$work/said")"
}

# It is checked, so it may run. What can't start here isn't installed.
try_program() {
  if run "$program" --version >"$work/said" 2>&1; then
    read -r name _ <"$work/said" || :
    if [ "$name" = frames ]; then
      return
    fi
  fi
  fail "the program doesn't run on this machine: $(last_line "$work/said")" \
    "It needs Linux on x86_64 with glibc 2.28, and a folder from which programs may run. Nothing was changed."
}

# From here on it takes a moment, and isn't interrupted. The receipt comes first and knows old
# and new files: whenever the machine stops, --uninstall finds what is there.
commit_files() {
  trap '' INT TERM HUP
  committing=yes
  move "$receipt_of_both" "$receipt"
  while IFS= read -r staged && IFS= read -r target; do
    move "$staged" "$target"
  done <"$work/moves"
  # Files of the older version that this one hasn't.
  while read -r _ target; do
    cut -d ' ' -f 3- "$work/installed" | grep -qxF -e "$target" || remove_file "$target"
  done <"$work/older"
  move "$receipt_of_new" "$receipt"
}

move() {
  mv -f -- "$1" "$2" || fail "can't write $2" "Run the same command again; --uninstall removes what is there."
}

say_what_next() {
  say "frames $version is installed: $(shown "$to/frames")"
  say "Man pages are in $(shown "$prefix/share/man"), completions in $(shown "$data"): bash-completion, zsh, fish"
  case ${SHELL:-} in
    */zsh) say "zsh finds them where ~/.zshrc has this line before compinit: fpath+=($(quoted "$data/zsh/site-functions"))" ;;
  esac
  case :${PATH:-}: in
    *:"$to":*)
      first=$(command -v frames) || first=
      [ -z "$first" ] || [ "$first" = "$to/frames" ] ||
        say "Another frames comes first on your PATH: $(shown "$first")"
      return
      ;;
  esac
  say "$(shown "$to") isn't on your PATH. Run this, and open a new terminal:"
  line="export PATH=$(quoted "$to"):\"\$PATH\""
  case ${SHELL:-} in
    */fish) say "  fish_add_path $(quoted "$to")" ;;
    */zsh) say "  echo $(quoted "$line") >> ~/.zshrc" ;;
    */bash) say "  echo $(quoted "$line") >> ~/.bashrc" ;;
    *) say "  $line" ;;
  esac
}

# A word for a shell.
quoted() {
  case $1 in
    *[!A-Za-z0-9._/+-]*) printf "'%s'\n" "$(printf '%s\n' "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf '%s\n' "$1" ;;
  esac
}

# ---- Away again.

remove_all() {
  [ -f "$receipt" ] ||
    fail "this script has installed nothing to $to: there is no $receipt" "Name the folder that was given to --to."
  sed -n 's/^folder //p' "$receipt" >"$work/folders"
  grep '^[0-9a-f]*  /' "$receipt" >"$work/older" || :
  # It takes a moment, and isn't interrupted.
  trap '' INT TERM HUP
  while read -r _ target; do
    remove_file "$target"
  done <"$work/older"
  rm -f -- "$receipt" || fail "can't remove $receipt" "See that you may write to its folder."
  remove_folders "$work/folders"
  say "frames is removed from $(shown "$to")"
  cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}/frames
  [ ! -d "$cache" ] || say "Its cache is still there: $(shown "$cache")"
}

# One file of the receipt. What was changed since is its owner's, and stays.
remove_file() {
  could_be_ours "$1" || {
    say "kept $(shown "$1"): the receipt names it, but no release has such a file"
    return
  }
  if [ ! -e "$1" ] && [ ! -L "$1" ]; then
    return
  fi
  is_ours "$1" || {
    say "kept $(shown "$1"): it was changed since it was installed"
    return
  }
  rm -f -- "$1" || fail "can't remove $1" "See that you may write to its folder, and run the same command again."
}

# The receipt is a file like others: whatever it says, only these are removed.
could_be_ours() {
  case $1 in
    */../* | */./* | *//*) return 1 ;;
    "$to/frames" | "$prefix/share/frames/LICENSE" | "$prefix/share/frames/THIRD-PARTY-LICENSES.txt") ;;
    "$prefix/share/man/man1/frames"*.1) ;;
    */bash-completion/completions/frames | */zsh/site-functions/_frames | */fish/vendor_completions.d/frames.fish) ;;
    *) return 1 ;;
  esac
}

{ main "$@"; }
