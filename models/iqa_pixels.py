"""Plain statistics of the pixels of each cell: tone, colour, gradients, clipping, repeated values, JPEG's grid, lost levels.
Nothing is learned here.

ImageNet training made the features of iqa_network.py blind to much of tone and colour; these are what they lack.
"""
import torch
import torch.nn.functional as F

COUNT = 46


def luma(image):
    """image [N, 3, H, W] RGB 0..1 -> [N, 1, H, W]."""
    red, green, blue = image[:, 0:1], image[:, 1:2], image[:, 2:3]
    return 0.299 * red + 0.587 * green + 0.114 * blue


def lost_levels(image):
    """image [N, 3, H, W] RGB 0..1 -> [N], log of how uneven the histogram of green is from one of 256 levels to the next.

    A tone curve applied to 8-bit pixels leaves levels out and puts two on one. What is coded as JPEG afterwards shows none
    of it. Counted as a product of two one-of-16 tables, because every ONNX runtime has those operators."""
    value = torch.floor(image[:, 1].flatten(1) * 255 + 0.5).clamp(0, 255)  # WebGPU knows no Round
    high = torch.floor(value / 16)
    place = torch.arange(16, dtype=image.dtype, device=image.device)
    first, second = ((x[:, :, None] == place).to(image.dtype) for x in (high, value - 16 * high))
    root = torch.sqrt((first.transpose(1, 2) @ second).flatten(1))  # [N, 256]
    bend = (root[:, 1:-1] - 0.5 * (root[:, :-2] + root[:, 2:])).abs().sum(1)
    return torch.log(bend / (root.sum(1) + 1e-6) + 0.02)


def differences(x):
    """x [N, C, H, W] -> absolute horizontal and vertical difference to the next pixel, 0 at the far edge."""
    right = F.pad(x[..., :, 1:] - x[..., :, :-1], (0, 1, 0, 0))
    below = F.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    return right.abs(), below.abs()


def blockiness(difference, cell: int):
    """difference [N, 1, H, W] across columns -> [N, 1, H / cell, W / cell]: log of the largest of the 8 column phases
    by their mean; well above 0 where one column in eight is a JPEG block's border, wherever the crop was cut."""
    phases = torch.cat([F.avg_pool2d(difference[..., p::8], (cell, cell // 8)) for p in range(8)], 1)
    return torch.log((phases.amax(1, True) + 1e-4) / (phases.mean(1, True) + 1e-4))


def statistics(image, cell: int):
    """image [N, 3, H, W] RGB 0..1 -> [N, 46, H / cell, W / cell]; the last is the same in every cell."""
    red, blue, light = image[:, 0:1], image[:, 2:3], luma(image)
    largest, smallest = image.amax(1, True), image.amin(1, True)
    planes = torch.cat([light, blue - light, red - light, largest - smallest], 1)  # Y, Cb, Cr, chroma

    def mean(x, size=cell):
        return F.avg_pool2d(x, size)

    average = mean(planes)  # 4
    deviation = torch.sqrt(F.relu(mean(planes * planes) - average * average) + 1e-6)  # 4
    right, below = differences(planes[:, :3])
    fine = mean(right + below)  # 3
    reduced = F.avg_pool2d(planes[:, :3], 4)
    coarse = mean(sum(differences(reduced)), cell // 4)  # 3: gradients 4 px wide
    same_right, same_below = torch.exp(-((right * 255) ** 2)), torch.exp(-((below * 255) ** 2))
    repeated = mean(torch.cat([same_right, same_below], 1))  # 6: share of pixels equal to the next one
    bright, dark = torch.sigmoid((largest - 0.985) * 300), torch.sigmoid((0.015 - smallest) * 300)
    clipped = mean(torch.cat([bright, dark, torch.sigmoid((light - 0.97) * 150), torch.sigmoid((0.03 - light) * 150)], 1))  # 4
    top, bottom = F.max_pool2d(planes, cell), -F.max_pool2d(-planes[:, :1], cell)  # 4 + 1: most of each, darkest
    ratio = torch.cat([fine / (coarse + 1e-3), fine[:, 1:] / (fine[:, :1] + 1e-3)], 1)  # 5
    logs = torch.log(torch.cat([deviation[:, :1], fine[:, :1], coarse[:, :1]], 1) + 1e-3)  # 3
    grid = torch.cat([blockiness(right[:, :1], cell), blockiness(below[:, :1].transpose(2, 3), cell).transpose(2, 3)], 1)  # 2
    faint = torch.log(torch.cat([average[:, 3:], deviation[:, 1:]], 1) + 1e-3)  # 4: tells faded colour from none
    shared = mean(planes[:, :1] * planes[:, 1:3]) - average[:, :1] * average[:, 1:3]
    toned = shared**2 / ((deviation[:, :1] * deviation[:, 1:3]) ** 2 + 1e-9)  # 2: colour that only follows luma
    lost = lost_levels(image)[:, None, None, None].expand_as(average[:, :1])
    return torch.cat([average, deviation, fine, coarse, repeated, clipped, top, bottom, ratio, logs, grid, faint, toned, lost], 1)
