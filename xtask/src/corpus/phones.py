"""Phones of recordings and when they are heard, by pocketsphinx.

Reads lines of JSON, {"path": FILE, "text": WHAT IS SAID or null, "words": WHETHER THEY ARE WANTED};
answers each with a line,
{"path": FILE, "how": "text" or "phones", "phones": [["AH", first frame, frames], ..], "words": TEXT
or null} in frames of 10 ms, or {"path": FILE, "error": WHY}. Where the text is known and in the
dictionary it is aligned to the recording; elsewhere phones are recognised by themselves. Words are
recognised where they are wanted and not known. Run by `cargo xtask corpus`.
"""

import json
import re
import sys

import numpy as np
import soundfile
import soxr
from pocketsphinx import Decoder, get_model_path

RATE_HZ = 16_000


def recogniser():
    return Decoder(
        hmm=get_model_path("en-us/en-us"),
        allphone=get_model_path("en-us/en-us-phone.lm.bin"),
        lw=2.0,
        beam=1e-20,
        pbeam=1e-20,
        loglevel="FATAL",
    )


def heard(path):
    """A recording as the decoder takes it: 16 kHz, 16 bits, one channel, at one level."""
    samples, rate_hz = soundfile.read(path, always_2d=True, dtype="float32")
    samples = soxr.resample(samples.mean(axis=1), rate_hz, RATE_HZ)
    samples = samples / max(1e-9, float(np.abs(samples).max())) * 0.7
    return (np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes()


def decode(decoder, audio):
    decoder.start_utt()
    decoder.process_raw(audio, full_utt=True)
    decoder.end_utt()


def recognised(decoder, audio):
    decode(decoder, audio)
    return [(s.word, s.start_frame, s.end_frame - s.start_frame + 1) for s in decoder.seg()]


def aligned(decoder, audio, text):
    """None where the text has words that are in no dictionary, or does not fit."""
    words = re.sub(r"[^a-z' ]+", " ", text.lower()).split()
    words = [word.strip("'") for word in words]
    words = [word for word in words if word]
    if not words or any(decoder.lookup_word(word) is None for word in words):
        return None
    try:
        decoder.set_align_text(" ".join(words))
        decode(decoder, audio)
        decoder.set_alignment()
        decode(decoder, audio)
        return [(p.name, p.start, p.duration) for word in decoder.get_alignment() for p in word]
    except RuntimeError:
        return None


def words_of(decoder, audio):
    decode(decoder, audio)
    found = decoder.hyp()
    return found.hypstr if found and found.hypstr else None


def main():
    phones, words = recogniser(), Decoder(samprate=RATE_HZ, loglevel="FATAL")
    # Slower and right more often than usual: nobody waits for it.
    listener = Decoder(samprate=RATE_HZ, beam=1e-60, wbeam=1e-40, loglevel="FATAL")
    for line in sys.stdin:
        task = json.loads(line)
        answer = {"path": task["path"]}
        try:
            audio = heard(task["path"])
            found = aligned(words, audio, task["text"]) if task["text"] else None
            answer["how"] = "text" if found else "phones"
            answer["phones"] = found or recognised(phones, audio)
            wanted = task["words"] and not task["text"]
            answer["words"] = words_of(listener, audio) if wanted else None
        except Exception as error:  # whatever it is: the others go on
            answer["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(answer), flush=True)


main()
