package dev.sennit.images;

import java.net.URI;
import java.nio.file.Path;

/** Where one image comes from: a file or a web address. {@link Sources} makes them of what a command was given. */
public sealed interface Source {
    /**
     * What messages call it.
     *
     * @return the path or the address, on one line
     */
    String text();

    /**
     * A file.
     *
     * @param path where it is
     */
    record LocalFile(Path path) implements Source {
        @Override
        public String text() {
            return Printable.text(path.toString());
        }
    }

    /**
     * Something that a {@link Downloader} fetches.
     *
     * @param uri its address; one that is not of the form which {@link Sources} makes, the downloader refuses
     */
    record WebAddress(URI uri) implements Source {
        @Override
        public String text() {
            return WebUri.text(uri);
        }
    }
}
