#!/bin/sh
# What the engines for large models do on this machine's graphics card, in under eight minutes.
#
#   scripts/gpu_check.sh          on a machine whose python3 (or $PYTHON) has a torch that sees the card
#   scripts/gpu_check.sh --toy    a toy on the processor, to see that the script runs
#
# Nothing is installed and nothing is fetched. Needed beside torch: numpy, safetensors, pyyaml; with torchao, quantised
# models are measured as well, with diffusers the steps of a film (for docs/video.md), and with the server's own packages
# play through it. The tables are for docs/engines.md, with the name of the card. Compiled kernels go to the data folder,
# where the next start finds them.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
export PYTHONPATH=. PYTHONDONTWRITEBYTECODE=1 HF_HUB_OFFLINE=1

missing=$("$python" - <<'END'
from importlib.util import find_spec
print(*[name for name, module in (("torch", "torch"), ("numpy", "numpy"), ("safetensors", "safetensors"),
                                  ("pyyaml", "yaml")) if find_spec(module) is None])
END
)
if [ -n "$missing" ]; then
    echo "$python lacks $missing. Set PYTHON to an interpreter that has them." >&2
    exit 1
fi
# Where the server keeps what it has compiled: a second start of this script, or of the server, finds it there.
kernels=${TERRARIUM_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/terrarium}/kernels
export TORCHINDUCTOR_CACHE_DIR="${TORCHINDUCTOR_CACHE_DIR:-$kernels/inductor}"
export TRITON_CACHE_DIR="${TRITON_CACHE_DIR:-$kernels/triton}"
export CUDA_CACHE_PATH="${CUDA_CACHE_PATH:-$kernels/cuda}"

case " $* " in
    *" --toy "*) "$python" -m benchmarks.diamond --toy ;;
    *) "$python" -m benchmarks.diamond; set -- --minutes 5 "$@" ;;  # it takes one of Waypoint's minutes
esac
echo
"$python" -m benchmarks.waypoint "$@"
echo
if "$python" -c "import diffusers, transformers" 2>/dev/null; then
    case " $* " in
        *" --toy "*) "$python" -m benchmarks.video --card --toy ;;
        *) "$python" -m benchmarks.video --card ;;
    esac
else
    echo "Left out: films, as $python lacks diffusers and transformers."
fi
echo
if "$python" -c "import fastapi, uvicorn, websockets, psutil, PIL" 2>/dev/null; then
    case " $* " in
        *" --toy "*) exec "$python" -m benchmarks.engines --random-weights toy --quick ;;
        *) exec "$python" -m benchmarks.engines --random-weights full --quick ;;
    esac
fi
echo "Left out: play through the server, as $python lacks its packages."
