package dev.sennit.benchmarks.measure;

import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Node's sharp, if it is where Node looks for it. */
public final class Sharp implements AutoCloseable {
    static final String SCRIPT = "peer_sharp.cjs";
    public static final String HOW_TO_GET_IT = "npm install --global sharp, and NODE_PATH=$(npm root --global)";

    private static final String NODE = "node";

    private final @Nullable Peer peer;

    private Sharp(@Nullable Peer peer) {
        this.peer = peer;
    }

    /** Starts it, if it is there, for the photographs that the bench's photos.txt names. */
    public static Sharp open(Bench bench) throws IOException, InterruptedException {
        if (!canBeHad()) {
            return new Sharp(null);
        }
        return new Sharp(Peer.start("sharp", List.of(NODE, bench.scripts().resolve(SCRIPT).toString())));
    }

    private static boolean canBeHad() throws InterruptedException {
        try {
            Process process = new ProcessBuilder(NODE, "--eval", "require('sharp')")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            process.getOutputStream().close();
            return process.waitFor() == 0;
        } catch (IOException e) { // no Node
            return false;
        }
    }

    public boolean isThere() {
        return peer != null;
    }

    /** Makes all thumbnails: the time. */
    public double[] seconds() throws IOException {
        return new double[] {measure()[0]};
    }

    /** Makes all thumbnails: the most memory that it has had. */
    public double mostMemory() throws IOException {
        return measure()[1];
    }

    private double[] measure() throws IOException {
        if (peer == null) {
            throw new IllegalStateException("sharp is not there: " + HOW_TO_GET_IT);
        }
        return peer.measure("thumbnails");
    }

    @Override
    public void close() {
        if (peer != null) {
            peer.close();
        }
    }
}
