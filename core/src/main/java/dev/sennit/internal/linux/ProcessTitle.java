package dev.sennit.internal.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.sennit.internal.Linux;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The title of this process in {@code ps}. Linux shows the memory in which the process was given its arguments, so the
 * title is written there, and cannot be longer than all arguments together, with the path of {@code java}. Who starts
 * the process can make room by a long argument that means nothing.
 *
 * <p>The JVM has copied its arguments by the time when Java code runs. What looks at {@code /proc/PID/cmdline} later
 * finds the title: {@link ProcessHandle.Info#arguments}, for one.
 */
public final class ProcessTitle {
    // The fields of stat, counted from its third.
    private static final int ARGUMENTS_BEGIN = 48 - 3;
    private static final int ARGUMENTS_END = 49 - 3;

    private static final int LONGEST_COMMAND = 15;

    private ProcessTitle() {}

    /**
     * Returns how long a title can be.
     *
     * @return bytes of UTF-8; 0 if there can be none, for lack of what {@link Linux#isSupported} needs, for example
     */
    public static int room() {
        MemorySegment arguments = arguments();
        return arguments == null ? 0 : (int) arguments.byteSize() - 1;
    }

    /**
     * Sets the title, as far as there is {@link #room}: the rest is cut off. The short name of the process, which
     * {@code top} shows, becomes the beginning of the title.
     *
     * @param title any text; control characters in it become spaces, as a zero would end an argument
     * @return whether there is a title now
     */
    public static synchronized boolean set(String title) {
        MemorySegment arguments = arguments();
        if (arguments == null) {
            return false;
        }
        String line = title.replaceAll("\\p{Cntrl}", " ");
        // The last byte stays zero: without that, Linux goes on reading in the environment.
        byte[] written = cut(line, (int) arguments.byteSize() - 1);
        MemorySegment.copy(written, 0, arguments, JAVA_BYTE, 0, written.length);
        arguments.asSlice(written.length).fill((byte) 0);
        setCommand(cut(line, LONGEST_COMMAND));
        return true;
    }

    /** Cuts between characters. */
    static byte[] cut(String text, int longest) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length <= longest) {
            return bytes;
        }
        int length = longest;
        while (length > 0 && (bytes[length] & 0xC0) == 0x80) { // the middle of a character
            length--;
        }
        return Arrays.copyOf(bytes, length);
    }

    private static void setCommand(byte[] name) {
        try (var command = new FileOutputStream("/proc/self/comm")) {
            command.write(name);
        } catch (IOException e) {
            // a container may have this read-only; the title is there all the same
        }
    }

    /** The memory of the arguments; null if there is none that can be written. It stays where it is. */
    @SuppressWarnings("restricted") // asked for by isSupported
    private static @Nullable MemorySegment arguments() {
        if (!Linux.isSupported()) {
            return null;
        }
        try (var stat = new FileInputStream("/proc/self/stat")) {
            var line = new String(stat.readAllBytes(), StandardCharsets.ISO_8859_1);
            String[] fields = line.substring(line.lastIndexOf(')') + 2).strip().split(" ");
            long begin = Long.parseUnsignedLong(fields[ARGUMENTS_BEGIN]);
            long length = Long.parseUnsignedLong(fields[ARGUMENTS_END]) - begin;
            // Both are 0 where the kernel hides them.
            return begin == 0 || length <= 1 || length > Integer.MAX_VALUE
                    ? null
                    : MemorySegment.ofAddress(begin).reinterpret(length);
        } catch (IOException | RuntimeException e) {
            return null; // no /proc, or one of another form
        }
    }
}
