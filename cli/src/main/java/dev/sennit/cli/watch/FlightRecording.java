package dev.sennit.cli.watch;

import dev.sennit.cli.command.CommandException;
import dev.sennit.internal.Quietly;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.management.JMException;
import javax.management.JMX;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import jdk.jfr.consumer.RecordingFile;
import jdk.management.jfr.FlightRecorderMXBean;
import org.jspecify.annotations.Nullable;

/**
 * A flight recording of another JVM with the events of its tasks, which is read over its MBean server: so it reaches a
 * JVM that sees other folders too. If this command dies, the recording ends by itself soon after its time.
 */
final class FlightRecording {
    private static final String EVENT = "dev.sennit.Task";
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(100);
    /** The listener in the JVM is behind the tasks by some milliseconds. */
    private static final Duration LAST_EVENTS = Duration.ofMillis(500);

    /** So much later the JVM ends the recording itself. */
    private static final Duration IF_READER_DIES = Duration.ofSeconds(30);

    private final long pid;
    private final FlightRecorderMXBean recorder;

    /**
     * Connects to the recorder.
     *
     * @throws CommandException if the JVM has none
     */
    FlightRecording(long pid, MBeanServerConnection server) throws IOException, JMException {
        this.pid = pid;
        var name = new ObjectName(FlightRecorderMXBean.MXBEAN_NAME);
        if (!server.isRegistered(name)) {
            throw hasNoRecorder(null);
        }
        recorder = JMX.newMXBeanProxy(server, name, FlightRecorderMXBean.class);
    }

    private CommandException hasNoRecorder(@Nullable Exception cause) {
        return CommandException.failed(
                "process " + pid + " has no flight recorder, or it is switched off: record a .json instead", cause);
    }

    /**
     * Records for some time, and writes the file.
     *
     * @return how many runs of tasks the file has
     * @throws IOException if it could not be written
     */
    long into(Path file, Duration time) throws IOException {
        long id = start(time);
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
            sleep(time.plus(LAST_EVENTS), id);
            if (recorder.getRecordings().stream().anyMatch(one -> one.getId() == id && isRunning(one.getState()))) {
                recorder.stopRecording(id);
            }
            copy(id, out);
        } finally {
            Quietly.close(() -> recorder.closeRecording(id));
        }
        return runsIn(file);
    }

    private static long runsIn(Path file) throws IOException {
        long runs = 0;
        try (var recording = new RecordingFile(file)) {
            while (recording.hasMoreEvents()) {
                runs += recording.readEvent().getEventType().getName().equals(EVENT) ? 1 : 0;
            }
        }
        return runs;
    }

    private long start(Duration time) {
        long id;
        try {
            id = recorder.newRecording();
        } catch (RuntimeException e) { // it could not be initialised, which it tells in many ways
            throw hasNoRecorder(e);
        }
        boolean isStarted = false;
        try {
            recorder.setPredefinedConfiguration(id, "default");
            Map<String, String> settings = new HashMap<>(recorder.getRecordings().stream()
                    .filter(one -> one.getId() == id)
                    .findFirst()
                    .orElseThrow()
                    .getSettings());
            settings.put(EVENT + "#enabled", "true");
            recorder.setRecordingSettings(id, settings);
            recorder.setRecordingOptions(id, Map.of(
                    "name", "sennit record",
                    "disk", "true",
                    "duration", time.plus(LAST_EVENTS).plus(IF_READER_DIES).toMillis() + " ms"));
            recorder.startRecording(id);
            isStarted = true;
            return id;
        } finally {
            if (!isStarted) {
                Quietly.close(() -> recorder.closeRecording(id));
            }
        }
    }

    private static boolean isRunning(String state) {
        return state.equals("RUNNING") || state.equals("DELAYED");
    }

    /** Looks now and then whether the JVM still answers. */
    private void sleep(Duration time, long id) {
        long end = System.nanoTime() + time.toNanos();
        for (long left = time.toNanos(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(Math.min(left, BETWEEN_LOOKS.toNanos()));
            if (left > TimeUnit.SECONDS.toNanos(1)) {
                recorder.getRecordingOptions(id);
            }
        }
    }

    private void copy(long id, OutputStream out) throws IOException {
        long stream = recorder.openStream(id, null);
        try {
            for (byte[] read = recorder.readStream(stream); read != null; read = recorder.readStream(stream)) {
                out.write(read);
            }
            out.flush();
        } finally {
            Quietly.close(() -> recorder.closeStream(stream));
        }
    }
}
