package dev.sennit.images;

/** Skipped where libturbojpeg is not installed: {@code apt-get install libturbojpeg0}. */
class TurboJpegCodecTest extends CodecContract {
    TurboJpegCodecTest() {
        super("turbojpeg");
    }
}
