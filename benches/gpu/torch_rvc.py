"""RVC's synthesizer at 48 kHz in PyTorch, on the weights and at the sizes of `benches/gpu/rvc.rs`: what a
hop takes there, eagerly, as a CUDA graph and compiled.

    cargo bench --features gpu --bench gpu -- --weights rvc.safetensors
    python3 benches/gpu/torch_rvc.py rvc.safetensors

PyTorch is given the new frames alone, without the past that a stream hears with them: it does less than
what it is compared with.
"""

import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

PAST = 16
HOPS = [1, 2, 4, 10]
STEPS = 300
HEADS, LAYERS, HIDDEN, INTER, WINDOW = 2, 6, 192, 192, 10
RATES, KERNELS, BLOCKS, DILATIONS = (12, 10, 2, 2), (24, 20, 4, 4), (3, 7, 11), (1, 3, 5)
HOP = 480


class Synthesizer(torch.nn.Module):
    """Text encoder, flow and generator, as functions of tensors by name."""

    def __init__(self, tensors, frames):
        super().__init__()
        self.names = {}
        for name, value in fold(tensors).items():
            self.register_buffer(name.replace(".", "_"), value)
        window = PAST + frames
        place = torch.arange(window)
        self.register_buffer("far", place[None] - place[:, None] + window - 1)
        self.window, self.frames = window, frames
        speaker = tensors["emb_g.weight"][0]
        self.register_buffer("speaker", speaker[None, :, None].clone())

    def w(self, name):
        return getattr(self, name.replace(".", "_"))

    def conv(self, name, x, **how):
        return F.conv1d(x, self.w(name + ".weight"), self.w(name + ".bias"), **how)

    def forward(self, features, pitch, noise, source):
        mean, log = self.text(features, pitch)
        z = mean + log.exp() * noise * 0.66666
        return self.generate(self.flow(z), source)

    def text(self, features, pitch):
        x = F.linear(features, self.w("enc_p.emb_phone.weight"), self.w("enc_p.emb_phone.bias"))
        x = (x + F.embedding(pitch, self.w("enc_p.emb_pitch.weight"))) * HIDDEN**0.5
        x = F.leaky_relu(x, 0.1).transpose(1, 2)
        for n in range(LAYERS):
            x = self.norm(f"enc_p.encoder.norm_layers_1.{n}", x + self.attend(n, x))
            name = f"enc_p.encoder.ffn_layers.{n}"
            y = F.relu(self.conv(name + ".conv_1", x, padding=1))
            x = self.norm(
                f"enc_p.encoder.norm_layers_2.{n}", x + self.conv(name + ".conv_2", y, padding=1)
            )
        stats = self.conv("enc_p.proj", x[..., PAST:])
        return stats.chunk(2, 1)

    def norm(self, name, x):
        y = F.layer_norm(x.transpose(1, 2), (HIDDEN,), self.w(name + ".gamma"), self.w(name + ".beta"))
        return y.transpose(1, 2)

    def attend(self, n, x):
        name = f"enc_p.encoder.attn_layers.{n}"
        q, k, v = (
            self.conv(f"{name}.conv_{part}", x).view(HEADS, -1, self.window).transpose(1, 2)
            for part in "qkv"
        )
        q = q * (HIDDEN // HEADS) ** -0.5
        beyond = self.window - 1 - WINDOW
        keys, values = (self.w(f"{name}.emb_rel_{part}")[0] for part in "kv")
        if beyond < 0:
            keys, values = keys[-beyond : len(keys) + beyond], values[-beyond : len(values) + beyond]
            beyond = 0
        keys, values = (F.pad(table, (0, 0, beyond, beyond)) for table in (keys, values))
        near = (q @ keys.T).gather(2, self.far.expand(HEADS, -1, -1))
        shares = (q @ k.transpose(1, 2) + near).softmax(-1)
        spread = shares.new_zeros(HEADS, self.window, 2 * self.window - 1)
        spread = spread.scatter(2, self.far.expand(HEADS, -1, -1), shares)
        y = shares @ v + spread @ values
        return self.conv(name + ".conv_o", y.transpose(1, 2).reshape(1, HIDDEN, self.window))

    def flow(self, z):
        for n in (6, 4, 2, 0):
            z = z.flip(1)
            name = f"flow.flows.{n}"
            kept, moved = z.chunk(2, 1)
            h = self.conv(name + ".pre", kept)
            g = self.conv(name + ".enc.cond_layer", self.speaker)
            out = torch.zeros_like(h)
            for layer in range(3):
                inner = self.conv(f"{name}.enc.in_layers.{layer}", h, padding=2)
                a, b = (inner + g[:, layer * 2 * HIDDEN :][:, : 2 * HIDDEN]).chunk(2, 1)
                y = self.conv(f"{name}.enc.res_skip_layers.{layer}", a.tanh() * b.sigmoid())
                if layer < 2:
                    step, y = y.chunk(2, 1)
                    h = h + step
                out = out + y
            z = torch.cat([kept, moved - self.conv(name + ".post", out)], 1)
        return z

    def generate(self, z, source):
        x = self.conv("dec.conv_pre", z, padding=3) + self.conv("dec.cond", self.speaker)
        for n, (rate, taps) in enumerate(zip(RATES, KERNELS)):
            x = F.conv_transpose1d(
                F.leaky_relu(x, 0.1),
                self.w(f"dec.ups.{n}.weight"),
                self.w(f"dec.ups.{n}.bias"),
                rate,
                (taps - rate) // 2,
            )
            rest = 1
            for later in RATES[n + 1 :]:
                rest *= later
            how = {} if rest == 1 else {"stride": rest, "padding": rest // 2}
            x = x + self.conv(f"dec.noise_convs.{n}", source, **how)
            total = 0
            for b, taps in enumerate(BLOCKS):
                y = x
                for d, dilation in enumerate(DILATIONS):
                    name = f"dec.resblocks.{3 * n + b}"
                    h = F.leaky_relu(y, 0.1)
                    h = self.conv(
                        f"{name}.convs1.{d}", h, dilation=dilation, padding=dilation * (taps // 2)
                    )
                    h = self.conv(f"{name}.convs2.{d}", F.leaky_relu(h, 0.1), padding=taps // 2)
                    y = y + h
                total = total + y
            x = total / 3
        x = F.leaky_relu(x, 0.01)
        return F.conv1d(x, self.w("dec.conv_post.weight"), padding=3).tanh()


def fold(tensors):
    """Weight norm is folded, as whoever is in a hurry does."""
    folded = {}
    for name, value in tensors.items():
        if name.endswith("weight_g"):
            v = tensors[name[:-1] + "v"]
            length = v.flatten(1).norm(dim=1).view(-1, 1, 1)
            folded[name[:-2]] = v * value / length
        elif not name.endswith("weight_v"):
            folded[name] = value
    return folded


def measure(run):
    for _ in range(30):
        run()
    times = []
    for _ in range(STEPS):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    times.sort()
    pick = lambda q: 1e3 * times[int(q * (len(times) - 1))]
    mean = 1e3 * sum(times) / len(times)
    return " | ".join(f"{x:8.3f}" for x in (mean, pick(0.5), pick(0.95), pick(0.99), pick(1.0)))


def main():
    tensors = load_file(sys.argv[1])
    compiled_hops = [2]
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}\n")
    print("| hop | network | on | mean | p50 | p95 | p99 | most |\n|---|---|---|---|---|---|---|---|")
    torch.backends.cudnn.benchmark = True
    for frames in HOPS:
        for precision in ("f32", "tf32", "f16"):
            torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
            torch.backends.cudnn.allow_tf32 = precision == "tf32"
            kind = torch.float16 if precision == "f16" else torch.float32
            net = Synthesizer(tensors, frames).cuda()
            for name, buffer in net.named_buffers():
                if buffer.is_floating_point():
                    setattr(net, name, buffer.to(kind))
            given = [
                torch.rand(1, PAST + frames, 768, dtype=kind),
                torch.randint(1, 256, (1, PAST + frames)),
                torch.randn(1, INTER, frames, dtype=kind),
                torch.rand(1, 1, frames * HOP, dtype=kind) - 0.5,
            ]
            given = [x.pin_memory() for x in given]
            there = [x.cuda() for x in given]

            def step(call):
                for to, x in zip(there, given):
                    to.copy_(x, non_blocking=True)
                return call().cpu()

            with torch.inference_mode():
                show = lambda how, call: print(
                    f"| {10 * frames:3} ms | all three    | {how + ', ' + precision} | "
                    f"{measure(lambda: step(call))} |",
                    flush=True,
                )
                show("eager", lambda: net(*there))
                graph = torch.cuda.CUDAGraph()
                side = torch.cuda.Stream()
                with torch.cuda.stream(side):
                    for _ in range(3):
                        net(*there)
                torch.cuda.synchronize()
                with torch.cuda.graph(graph):
                    out = net(*there)

                def replay():
                    graph.replay()
                    return out

                show("graph", replay)
                if frames in compiled_hops:
                    quick = torch.compile(net, mode="reduce-overhead")
                    show("compiled", lambda: quick(*there))


if __name__ == "__main__":
    main()
