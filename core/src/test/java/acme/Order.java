package acme;

import java.nio.file.Path;
import java.util.List;

/** A record of somebody else's that does not say it can be serialized. */
public record Order(int number, List<Line> lines, Path folder) {
    /** A part of it. */
    public record Line(String article, int count) {
        /** Checks it. */
        public Line {
            if (count < 1) {
                throw new IllegalArgumentException("count must be >= 1, was " + count);
            }
        }
    }

    /** What nothing can be done for. */
    public record Anchored(Object rock) {}
}
