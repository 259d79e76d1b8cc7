#!/usr/bin/env bash
# What Timbre can use of Debian or Ubuntu beyond requirements.txt; all else works without it.
#   ./install_system_packages.sh            the toolbox: Qt's X libraries, PortAudio for sound devices; ffmpeg for m4a
#   ./install_system_packages.sh --tests    and what the tests drive: Chromium
set -euo pipefail
packages=(libgl1 libegl1 libglib2.0-0 libfontconfig1 libdbus-1-3 libxkbcommon-x11-0 libxcb-icccm4 libxcb-image0
  libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-xkb1 libportaudio2 ffmpeg)
if [ "${1:-}" = "--tests" ]; then
  packages+=(chromium chromium-driver)
fi
if ! command -v apt-get >/dev/null; then
  echo "no apt-get here: install what your system calls ${packages[*]}"
  exit 0
fi
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  as_root=$([ "$(id -u)" = 0 ] || echo sudo)
  $as_root apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
