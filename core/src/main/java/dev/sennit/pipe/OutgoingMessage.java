package dev.sennit.pipe;

import java.nio.ByteBuffer;
import java.util.Collection;

/**
 * A message that a {@link Connection} is sending: the bytes that the system has not taken yet. Used by one thread at a
 * time.
 */
final class OutgoingMessage {
    private final int size;
    private final int end;
    private byte[] bytes;
    private int next;
    private boolean othersBytes;
    /** The header and the first bytes; then further bytes, piece by piece. */
    private ByteBuffer piece;
    private boolean first = true;

    OutgoingMessage(byte kind, byte[] bytes, int offset, int length, boolean othersBytes) {
        this.bytes = bytes;
        this.othersBytes = othersBytes;
        size = PipeMessage.HEADER + length;
        end = offset + length;
        int now = Math.min(length, PipeMessage.PIECE);
        next = offset + now;
        piece = ByteBuffer.allocate(PipeMessage.HEADER + now)
                .put(kind)
                .putInt(length)
                .put(bytes, offset, now)
                .flip();
    }

    private OutgoingMessage(ByteBuffer whole) {
        bytes = new byte[0];
        size = whole.remaining();
        end = 0;
        piece = whole;
    }

    /** Joins the rest of some messages into one: writing each by itself would take more of the system's memory. */
    static OutgoingMessage joined(Collection<OutgoingMessage> those) {
        var whole = ByteBuffer.allocate(those.stream().mapToInt(OutgoingMessage::left).sum());
        for (OutgoingMessage one : those) {
            whole.put(one.piece).put(one.bytes, one.next, one.end - one.next);
        }
        return new OutgoingMessage(whole.flip());
    }

    private int left() {
        return piece.remaining() + end - next;
    }

    int size() {
        return size;
    }

    boolean hasBegun() {
        return !first || piece.position() > 0;
    }

    boolean hasRemaining() {
        return piece.hasRemaining() || next < end;
    }

    ByteBuffer piece() {
        if (!piece.hasRemaining()) {
            first = false;
            int now = Math.min(end - next, PipeMessage.PIECE);
            piece = ByteBuffer.wrap(bytes, next, now);
            next += now;
        }
        return piece;
    }

    /** Copies bytes that the sender may change after {@code send} has returned. */
    void own() {
        if (othersBytes && hasRemaining()) {
            bytes = bytes.clone();
            if (!first) {
                piece = ByteBuffer.wrap(bytes, piece.position(), piece.remaining());
            }
            othersBytes = false;
        }
    }
}
