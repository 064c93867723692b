package dev.sennit.internal.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.sennit.internal.Linux;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** A message of one byte on a Unix stream socket, and the descriptors that it brings ({@code SCM_RIGHTS}). */
final class DescriptorMessage {
    private static final byte BODY = 'd';

    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int MSG_CTRUNC = 0x8;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;

    /** Room for one more than is accepted: who sends more is told from who sends the right number. */
    private static final int MOST = 2;

    // struct msghdr, struct cmsghdr
    private static final int HEADER = 56;
    private static final int PARTS = 16;
    private static final int PARTS_COUNT = 24;
    private static final int CONTROL = 32;
    private static final int CONTROL_LENGTH = 40;
    private static final int FLAGS = 48;
    private static final int RIGHTS = 16;
    private static final int RIGHTS_LEVEL = 8;
    private static final int RIGHTS_TYPE = 12;

    private DescriptorMessage() {}

    /** Sends a message without waiting. The receiver's descriptors stay open when the sender's are closed. */
    static void send(int socket, int... descriptors) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment control = arena.allocate(align(RIGHTS + 4L * descriptors.length), Long.BYTES);
            control.set(JAVA_LONG, 0, RIGHTS + 4L * descriptors.length);
            control.set(JAVA_INT, RIGHTS_LEVEL, SOL_SOCKET);
            control.set(JAVA_INT, RIGHTS_TYPE, SCM_RIGHTS);
            MemorySegment.copy(descriptors, 0, control, JAVA_INT, RIGHTS, descriptors.length);
            MemorySegment header = header(arena, control);
            if (descriptors.length == 0) {
                header.set(JAVA_LONG, CONTROL_LENGTH, 0);
            }
            SystemCall.SENDMSG.make(socket, header.address(), MSG_DONTWAIT | MSG_NOSIGNAL);
        }
    }

    /**
     * Receives a message without waiting.
     *
     * @return its one descriptor, which no program inherits
     * @throws IOException if it has none or more, which are closed then
     */
    static int receive(int socket) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment control = arena.allocate(align(RIGHTS + 4L * MOST), Long.BYTES);
            MemorySegment header = header(arena, control);
            long length = SystemCall.RECVMSG.make(socket, header.address(), MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
            List<Integer> descriptors = descriptors(control.asSlice(0, header.get(JAVA_LONG, CONTROL_LENGTH)));
            boolean isWhole = (header.get(JAVA_INT, FLAGS) & MSG_CTRUNC) == 0;
            if (isWhole && descriptors.size() == 1 && length == 1) {
                return descriptors.getFirst();
            }
            descriptors.forEach(Linux::close);
            if (length == 0) {
                throw new IOException("the sender has closed the connection and sent nothing");
            }
            throw new IOException("the sender has to send one descriptor, and has sent "
                    + (isWhole ? descriptors.size() : "more, or this process has too many open files"));
        }
    }

    /** The kernel has written these, so they are well formed; what else may come with a message is of no interest. */
    private static List<Integer> descriptors(MemorySegment control) {
        List<Integer> descriptors = new ArrayList<>();
        for (long at = 0; at + RIGHTS <= control.byteSize();) {
            long length = control.get(JAVA_LONG, at);
            if (control.get(JAVA_INT, at + RIGHTS_LEVEL) == SOL_SOCKET
                    && control.get(JAVA_INT, at + RIGHTS_TYPE) == SCM_RIGHTS) {
                for (long one = at + RIGHTS; one + Integer.BYTES <= at + length; one += Integer.BYTES) {
                    descriptors.add(control.get(JAVA_INT, one));
                }
            }
            at += align(Math.max(length, RIGHTS));
        }
        return descriptors;
    }

    private static MemorySegment header(Arena arena, MemorySegment control) {
        MemorySegment body = arena.allocate(1);
        body.set(JAVA_BYTE, 0, BODY);
        MemorySegment part = arena.allocate(2L * Long.BYTES, Long.BYTES); // struct iovec
        part.set(ADDRESS, 0, body);
        part.set(JAVA_LONG, Long.BYTES, body.byteSize());
        MemorySegment header = arena.allocate(HEADER, Long.BYTES);
        header.set(ADDRESS, PARTS, part);
        header.set(JAVA_LONG, PARTS_COUNT, 1);
        header.set(ADDRESS, CONTROL, control);
        header.set(JAVA_LONG, CONTROL_LENGTH, control.byteSize());
        return header;
    }

    private static long align(long length) {
        return (length + Long.BYTES - 1) / Long.BYTES * Long.BYTES;
    }
}
