"""How voices sound: likeness, what is understood, brightness, pitch. Run by `cargo xtask judge`.

Reads one JSON: {"program": autovoice, "folder": where sounds go, "sources": [{"path", "sings"}],
"voices": [{"name", "references": [paths]}], "words": whether they are recognised}. Prints tables in
Markdown; progress goes to stderr.

- similarity: cosine of Resemblyzer's embeddings (Wan et al., 2018: generalized end-to-end loss),
  converted recording against the mean of the references.
- agreement: share of the source's 10 ms frames with a phone in which pocketsphinx, recognising
  phones, hears the same in the other.
- words: edits from the words that pocketsphinx hears in the source to those in the other, per word.
- brightness: share of power above 4 kHz, in dB against the references'.
- cents: pitch by Harvest (Morise, 2017) against the source's, transposed; frames in which both are
  voiced: median of the distance, and share within 50.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pyworld
import soundfile
import soxr
from pocketsphinx import Decoder, get_model_path
from resemblyzer import VoiceEncoder, preprocess_wav

SILENCE = {"SIL", "+SPN+", "+NSN+", "+BREATH+", "+COUGH+", "+NOISE+", "+SMACK+", "+UH+", "+UM+"}


def read(path, rate_hz):
    samples, found_hz = soundfile.read(path, always_2d=True, dtype="float64")
    return soxr.resample(samples.mean(axis=1), found_hz, rate_hz)


class Listener:
    """pocketsphinx, for phones and for words."""

    def __init__(self, words):
        self.phones = Decoder(
            hmm=get_model_path("en-us/en-us"),
            allphone=get_model_path("en-us/en-us-phone.lm.bin"),
            lw=2.0,
            beam=1e-20,
            pbeam=1e-20,
            loglevel="FATAL",
        )
        # Slower and right more often than usual.
        usual = dict(samprate=16_000, loglevel="FATAL")
        self.words = Decoder(beam=1e-60, wbeam=1e-40, **usual) if words else None

    def hear(self, path):
        samples = read(path, 16_000)
        samples = samples / max(1e-9, np.abs(samples).max()) * 0.7
        audio = (np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes()
        for decoder in filter(None, (self.phones, self.words)):
            decoder.start_utt()
            decoder.process_raw(audio, full_utt=True)
            decoder.end_utt()
        frames = []
        for segment in self.phones.seg():
            count = segment.end_frame - segment.start_frame + 1
            frames.extend([segment.word] * count)
        found = self.words.hyp() if self.words else None
        return frames, found.hypstr.split() if found and found.hypstr else []


def agreement(source, other):
    pairs = [(a, b) for a, b in zip(source, other) if a not in SILENCE]
    return sum(a == b for a, b in pairs) / max(1, len(pairs))


def edits(source, other):
    """Levenshtein's distance."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(source):
        last, row[0] = row[0], i + 1
        for j, b in enumerate(other):
            last, row[j + 1] = row[j + 1], min(last + (a != b), row[j] + 1, row[j + 1] + 1)
    return row[-1]


def bright_db(paths):
    low = high = 0.0
    for path in paths:
        samples = read(path, 16_000)
        power = np.abs(np.fft.rfft(samples)) ** 2
        low, high = low + power.sum(), high + power[len(power) // 2 :].sum()
    return 10 * np.log10(high / low)


def pitch(path):
    samples = read(path, 16_000)
    return pyworld.harvest(samples, 16_000, f0_floor=50.0, f0_ceil=1_100.0, frame_period=10.0)[0]


def cents(source, other, semitones):
    count = min(len(source), len(other))
    source, other = source[:count], other[:count]
    both = (0 < source) & (0 < other)
    off = np.abs(1_200 * np.log2(other[both] / source[both]) - 100 * semitones)
    return float(np.median(off)), float(np.mean(off < 50))


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}\n{done.stderr}")
    return done.stdout


def main():
    plan = json.load(sys.stdin)
    program, folder, sources = plan["program"], plan["folder"], plan["sources"]
    listener, encoder = Listener(plan["words"]), VoiceEncoder("cpu", verbose=False)
    embed = lambda path: encoder.embed_utterance(preprocess_wav(path))
    name = lambda path: os.path.splitext(os.path.basename(path))[0]

    heard, pitches, copies = {}, {}, {}
    for source in sources:
        path = source["path"]
        print(f"    {name(path)} and its copy", file=sys.stderr)
        copy = os.path.join(folder, f"{name(path)}.copy.wav")
        run(program, "train", "copy", path, "-o", copy, "--force")
        heard[path], pitches[path] = listener.hear(path), pitch(path)
        frames, words = listener.hear(copy)
        copies[path] = {
            "agreement": agreement(heard[path][0], frames),
            "edits": edits(heard[path][1], words),
        }
    total = sum(len(words) for _, words in heard.values())
    copied = np.mean([copy["agreement"] for copy in copies.values()])
    # Without words there is nothing to say of them.
    share = lambda rows: f"{sum(row['edits'] for row in rows) / total:.2f}" if total else "-"
    print(f"Copies: agreement {copied:.3f}, words {share(copies.values())} of {total}.\n")

    rows = []
    for voice in plan["voices"]:
        target = np.mean([embed(path) for path in voice["references"]], axis=0)
        target /= np.linalg.norm(target)
        facts = json.loads(run(program, "voices", "info", voice["name"], "--json"))
        mean_hz = facts["ddsp"]["mean_pitch_hz"]
        table, made = [], []
        for source in sources:
            path = source["path"]
            f0 = pitches[path]
            sung_hz = np.exp(np.mean(np.log(f0[0 < f0])))
            semitones = int(np.clip(round(12 * np.log2(mean_hz / sung_hz)), -24, 24))
            out = os.path.join(folder, f"{name(path)}.{voice['name']}.wav")
            print(f"    {name(path)} as {voice['name']}, {semitones:+d}", file=sys.stderr)
            given = ["--voice", voice["name"], f"--pitch={semitones}", "-o", out, "--force"]
            run(program, "convert", path, *given)
            frames, words = listener.hear(out)
            made.append(out)
            table.append(
                {
                    "source": name(path),
                    "sings": source["sings"],
                    "semitones": semitones,
                    "before": float(np.dot(embed(path), target)),
                    "similarity": float(np.dot(embed(out), target)),
                    "agreement": agreement(heard[path][0], frames),
                    "copy": copies[path]["agreement"],
                    "edits": edits(heard[path][1], words),
                    "cents": cents(f0, pitch(out), semitones),
                }
            )
        print(f"## {voice['name']}\n")
        print("| source | moved | similarity before | after | agreement | copy's | median cents | within 50 |")
        print("|---|---|---|---|---|---|---|---|")
        for row in table:
            off, within = row["cents"]
            print(
                f"| {row['source']}{' (sings)' if row['sings'] else ''} | {row['semitones']:+d} "
                f"| {row['before']:.3f} | {row['similarity']:.3f} | {row['agreement']:.3f} "
                f"| {row['copy']:.3f} | {off:.1f} | {100 * within:.1f} % |"
            )
        print()
        likeness = [row["similarity"] for row in table]
        agreed = float(np.mean([row["agreement"] for row in table]))
        rows.append(
            f"| {voice['name']} | {np.mean(likeness):.3f}, {min(likeness):.3f} | {agreed:.3f} "
            f"| {100 * agreed / copied:.0f} % | {share(table)} "
            f"| {bright_db(made) - bright_db(voice['references']):+.1f} dB |"
        )
    print("| voice | similarity, mean and least | agreement | of the copies' | words | above 4 kHz |")
    print("|---|---|---|---|---|---|")
    print("\n".join(rows))


main()
