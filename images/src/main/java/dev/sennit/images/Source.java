package dev.sennit.images;

import dev.sennit.images.internal.text.Printable;
import dev.sennit.images.internal.web.WebUri;
import java.net.URI;
import java.nio.file.Path;

/** The source of an image: a file or a web address. {@link Sources} makes them from a command's arguments. */
public sealed interface Source {
    /**
     * Returns the name of the source in messages.
     *
     * @return the path or the address, on one line
     */
    String text();

    /**
     * A file.
     *
     * @param path its path
     */
    record LocalFile(Path path) implements Source {
        @Override
        public String text() {
            return Printable.text(path.toString());
        }
    }

    /**
     * An address that a {@link Downloader} fetches.
     *
     * @param uri the address; the downloader refuses addresses that are not of the form which {@link Sources} makes
     */
    record WebAddress(URI uri) implements Source {
        @Override
        public String text() {
            return WebUri.text(uri);
        }
    }
}
