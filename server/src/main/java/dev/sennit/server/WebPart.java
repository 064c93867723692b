package dev.sennit.server;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import org.eclipse.jetty.http.MultiPart;
import org.eclipse.jetty.io.Content;

/** A part of a form; see {@link WebRequest#parts}. To be used until the handler has returned. */
public final class WebPart {
    private final MultiPart.Part part;

    WebPart(MultiPart.Part part) {
        this.part = part;
    }

    /**
     * The name of the field of the form.
     *
     * @return the name
     */
    public String name() {
        return part.getName();
    }

    /**
     * The name of the file that was uploaded. A client may write anything here: it is no name for a file of the server.
     *
     * @return the name; empty if the part is no file
     */
    public Optional<String> fileName() {
        return Optional.ofNullable(part.getFileName());
    }

    /**
     * A header field of the part.
     *
     * @param name its name, in any case
     * @return the first value; empty if there is none
     */
    public Optional<String> header(String name) {
        List<String> values = part.getHeaders().getValuesList(name);
        return values.isEmpty() ? Optional.empty() : Optional.of(values.getFirst());
    }

    /**
     * How many bytes it has.
     *
     * @return 0 or more
     */
    public long size() {
        return part.getLength();
    }

    /**
     * The content.
     *
     * @return a new stream from its beginning, which the caller closes
     */
    public InputStream open() {
        return Content.Source.asInputStream(part.createContentSource());
    }

    /**
     * The whole content.
     *
     * @return the bytes
     * @throws IOException if the temporary file cannot be read
     */
    public byte[] bytes() throws IOException {
        try (InputStream in = open()) {
            return in.readAllBytes();
        }
    }

    /** Returns the name and the size. */
    @Override
    public String toString() {
        return "part " + name() + ", " + size() + " bytes";
    }
}
