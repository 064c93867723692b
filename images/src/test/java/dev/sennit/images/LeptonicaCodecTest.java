package dev.sennit.images;

class LeptonicaCodecTest extends CodecContract {
    LeptonicaCodecTest() {
        super("leptonica");
    }
}
