package dev.sennit.server;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** The response to a request. Immutable. */
public final class WebResponse {
    /** Writes a body while it is sent. */
    @FunctionalInterface
    public interface BodyWriter {
        /**
         * Writes the body. If it throws, the connection is cut, so that the client does not take the body for whole;
         * if nothing was sent yet, the client gets 500 in place of the response.
         *
         * @param out buffered; need not be closed
         * @throws Exception which is logged
         */
        void write(OutputStream out) throws Exception;
    }

    /** One line of the head. */
    record Field(String name, String value) {}

    private final int status;
    private final List<Field> fields;
    /** Empty if there is a writer. */
    private final byte[] bytes;
    private final BodyWriter writer;

    private static final byte[] NOTHING = {};
    private static final BodyWriter NO_WRITER = _ -> {};

    private WebResponse(int status, List<Field> fields, byte[] bytes, BodyWriter writer) {
        this.status = status;
        this.fields = fields;
        this.bytes = bytes;
        this.writer = writer;
    }

    /**
     * A response without a body.
     *
     * @param status from 200 to 599
     * @return the response
     */
    public static WebResponse of(int status) {
        return new WebResponse(ensureStatus(status), List.of(), NOTHING, NO_WRITER);
    }

    /**
     * A text, with status 200.
     *
     * @param text the text
     * @return the response, of type {@code text/plain; charset=utf-8}
     */
    public static WebResponse text(String text) {
        return bytes("text/plain; charset=utf-8", text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Bytes, with status 200.
     *
     * @param type the type: {@code image/jpeg}, for example
     * @param bytes the body, which must not be changed any more
     * @return the response
     */
    public static WebResponse bytes(String type, byte[] bytes) {
        return new WebResponse(200, List.of(), Objects.requireNonNull(bytes, "bytes"), NO_WRITER)
                .header("Content-Type", type);
    }

    /**
     * A body that is written while it is sent, with status 200. It is sent in chunks, unless a field {@code
     * Content-Length} says how long it is.
     *
     * @param type the type
     * @param writer writes the body, in the thread of the handler
     * @return the response
     */
    public static WebResponse stream(String type, BodyWriter writer) {
        return new WebResponse(200, List.of(), NOTHING, Objects.requireNonNull(writer, "writer"))
                .header("Content-Type", type);
    }

    /**
     * Returns this response with another status.
     *
     * @param newStatus from 200 to 599
     * @return the response
     */
    public WebResponse status(int newStatus) {
        return new WebResponse(ensureStatus(newStatus), fields, bytes, writer);
    }

    /**
     * Returns this response with one more header field.
     *
     * @param name its name
     * @param value its value
     * @return the response
     * @throws IllegalArgumentException if it is no name, or the value has an end of line
     */
    public WebResponse header(String name, String value) {
        List<Field> all = new ArrayList<>(fields);
        all.add(new Field(Fields.ensureName(name), Fields.ensureValue(name, value)));
        return new WebResponse(status, List.copyOf(all), bytes, writer);
    }

    /**
     * An answer that takes longer than requests may: a stream of events, a long poll. The handler returns at once, and
     * its place is free. The rest runs in a virtual thread of its own, under limits of its own.
     *
     * @param limits how long it may take, and how long it may go on after it was asked to end
     * @param handler makes the response, which it may stream; it may use the request but for its body
     * @return the response: the fields that are added to it are added to the other, its status is not used
     */
    public static WebResponse detached(DetachedLimits limits, DetachedHandler handler) {
        return new WebResponse(200, List.of(), NOTHING, new Detached.Start(
                Objects.requireNonNull(limits, "limits"), Objects.requireNonNull(handler, "handler")));
    }

    /**
     * The value of a header field.
     *
     * @param name its name, in any case
     * @return the first value; empty if there is none
     */
    public Optional<String> header(String name) {
        return fields.stream()
                .filter(field -> field.name().equalsIgnoreCase(name))
                .map(Field::value)
                .findFirst();
    }

    /**
     * The body.
     *
     * @return the bytes, which must not be changed; empty if the body is written while it is sent
     */
    public Optional<byte[]> bytes() {
        return writer == NO_WRITER ? Optional.of(bytes) : Optional.empty();
    }

    /**
     * The status.
     *
     * @return from 200 to 599
     */
    public int status() {
        return status;
    }

    private static int ensureStatus(int status) {
        if (status < 200 || status > 599) {
            throw new IllegalArgumentException("status must be from 200 to 599, was " + status);
        }
        return status;
    }

    /** Sends this response. */
    void send(Call call) throws Exception {
        if (writer == NO_WRITER) {
            call.send(status, fields, bytes);
            return;
        }
        if (writer instanceof Detached.Start start) {
            call.detach(start.with(fields));
            return;
        }
        ResponseOutput out = call.begin(status, fields, Call.UNKNOWN_LENGTH);
        writer.write(out);
        out.close();
    }

    /** Returns the status and the fields. */
    @Override
    public String toString() {
        return status + " " + fields;
    }

    static IOException cut() {
        return new IOException("the deadline of the request is over");
    }
}
