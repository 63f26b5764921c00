"""CUDA C++ to PTX, by NVRTC of the package nvidia-cuda-nvrtc-cu12.

Reads lines of JSON, {"name": FILE, "source": TEXT, "headers": {NAME: TEXT}, "options": [..]}; answers
each with a line, {"ptx": TEXT} or {"error": WHAT THE COMPILER SAYS}. Includes are found among the
headers alone, so that nothing depends on where files lie. Run by `cargo xtask kernels`.
"""

import ctypes
import importlib.util
import json
import pathlib
import sys


def library():
    package = importlib.util.find_spec("nvidia.cuda_nvrtc")
    folder = pathlib.Path(next(iter(package.submodule_search_locations)))
    return ctypes.CDLL(str(folder / "lib" / "libnvrtc.so.12"))


def strings(texts):
    return (ctypes.c_char_p * len(texts))(*[text.encode() for text in texts])


def text_of(nvrtc, program, what):
    """A text that NVRTC gives by a call for its size and one for itself."""
    size = ctypes.c_size_t()
    getattr(nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
    text = ctypes.create_string_buffer(size.value)
    getattr(nvrtc, f"nvrtcGet{what}")(program, text)
    return text.value.decode()


def compiled(nvrtc, job):
    program = ctypes.c_void_p()
    names, headers = list(job["headers"]), list(job["headers"].values())
    failed = nvrtc.nvrtcCreateProgram(
        ctypes.byref(program),
        job["source"].encode(),
        job["name"].encode(),
        len(names),
        strings(headers),
        strings(names),
    )
    if failed:
        return {"error": f"nvrtcCreateProgram: error {failed}"}
    options = job["options"]
    failed = nvrtc.nvrtcCompileProgram(program, len(options), strings(options))
    log = text_of(nvrtc, program, "ProgramLog").strip()
    # A warning is an error: nobody reads the log of what compiles.
    if failed or log:
        answer = {"error": log or f"nvrtcCompileProgram: error {failed}"}
    else:
        answer = {"ptx": text_of(nvrtc, program, "PTX")}
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return answer


def main():
    nvrtc = library()
    nvrtc.nvrtcGetProgramLogSize.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    nvrtc.nvrtcGetProgramLog.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    nvrtc.nvrtcGetPTXSize.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    nvrtc.nvrtcGetPTX.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    nvrtc.nvrtcCompileProgram.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
    for line in sys.stdin:
        print(json.dumps(compiled(nvrtc, json.loads(line))), flush=True)


main()
