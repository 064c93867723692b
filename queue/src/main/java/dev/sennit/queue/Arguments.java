package dev.sennit.queue;

import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.QueuedTask;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Map;

/**
 * Makes the argument of a task that a worker has claimed: its payload, the results of the tasks that it has waited for,
 * or a {@link DeadTask}; see {@link QueuedTask#ARGUMENT}. Results are put together as the bytes they are: nothing is
 * parsed, however many there are.
 */
final class Arguments {
    /** The argument is the payload, although there are results. */
    static final String OWN = "own";
    /** The argument is a {@link DeadTask}. */
    static final String DEAD = "dead";
    /** The argument is a list of arguments, see {@link Payloads#readCall}. */
    static final String POSITIONAL = "positional";
    /** The argument is a list of arguments and an object of named ones, see {@link Payloads#readCall}. */
    static final String MIXED = "mixed";
    /** The argument is the only one of a call, and an object: none of named ones, see {@link Payloads#readCall}. */
    static final String SINGLE = "single";

    private Arguments() {}

    /**
     * Returns the argument as JSON.
     *
     * @throws TaskDataException if the header does not fit what there is
     */
    static byte[] of(Claim claim) {
        QueuedTask task = claim.task();
        String how = task.headers().get(QueuedTask.ARGUMENT);
        if (DEAD.equals(how) && task.payload().length == 0) { // else it was replayed with another argument
            return Payloads.write("the argument of " + task.type(), dead(task.headers()));
        }
        List<byte[]> inputs = claim.inputs();
        if (inputs.isEmpty() || OWN.equals(how) || DEAD.equals(how)) {
            return task.payload();
        }
        String shape = how != null ? how : usualShape(inputs.size());
        try {
            return new Arguments.Writer(inputs).write(shape);
        } catch (IllegalArgumentException e) {
            throw new TaskDataException("the argument of " + task.type() + " cannot be made of " + inputs.size()
                    + " results by the header " + QueuedTask.ARGUMENT + " \"" + shortened(shape) + "\": "
                    + e.getMessage(), e);
        }
    }

    /** Returns the shape that inputs have without a header. */
    static String usualShape(int inputs) {
        return inputs == 1 ? "." : "(" + inputs + ")";
    }

    private static DeadTask dead(Map<String, String> headers) {
        return new DeadTask(headers.getOrDefault(QueuedTask.DEAD_ID, ""),
                headers.getOrDefault(QueuedTask.DEAD_TYPE, ""), headers.getOrDefault(QueuedTask.DEAD_REASON, ""),
                headers.getOrDefault(QueuedTask.DEAD_ERROR, ""));
    }

    private static String shortened(String shape) {
        return shape.length() <= 40 ? shape : shape.substring(0, 40) + "...";
    }

    /** Goes through a shape once. Not by recursion, as a message may nest its lists as deeply as it likes. */
    static final class Writer {
        private final List<byte[]> inputs;
        private final ByteArrayOutputStream json;
        private int next;
        private int depth;
        /** Whether the next value is the first one of its list. */
        private boolean first = true;

        Writer(List<byte[]> inputs) {
            this.inputs = inputs;
            json = new ByteArrayOutputStream(inputs.stream().mapToInt(each -> each.length + 1).sum() + 16);
        }

        byte[] write(String shape) {
            boolean written = false;
            for (int i = 0; i < shape.length(); i++) {
                char sign = shape.charAt(i);
                if (sign != '-') {
                    ensure(depth > 0 || !written, "more than one value");
                    written = true;
                }
                if (sign == '(') {
                    separate();
                    json.write('[');
                    first = true;
                    depth++;
                } else if (sign == ')') {
                    ensure(depth > 0, ") without (");
                    json.write(']');
                    first = false;
                    depth--;
                } else if (sign == '.') {
                    value(take());
                } else if (sign == '+') {
                    int end = shape.indexOf(')', i);
                    ensure(shape.startsWith("(", i + 1) && end > 0, "+ without (n)");
                    flat(number(shape, i + 2, end));
                    i = end;
                } else {
                    int begin = sign == '-' ? i + 1 : i;
                    int end = begin;
                    while (end < shape.length() && shape.charAt(end) >= '0' && shape.charAt(end) <= '9') {
                        end++;
                    }
                    ensure(sign == '-' || depth > 0, "a number outside of a list");
                    int count = number(shape, begin, end);
                    for (int k = 0; k < count; k++) {
                        byte[] input = take();
                        if (sign != '-') {
                            value(input);
                        }
                    }
                    i = end - 1;
                }
            }
            ensure(written && depth == 0, "no whole value");
            ensure(next == inputs.size(), "it takes " + next);
            return json.toByteArray();
        }

        private void flat(int count) {
            separate();
            json.write('[');
            first = true;
            for (int k = 0; k < count; k++) {
                byte[] input = take();
                int begin = 0;
                int end = input.length;
                while (begin < end && input[begin] <= ' ') {
                    begin++;
                }
                while (end > begin && input[end - 1] <= ' ') {
                    end--;
                }
                ensure(end - begin >= 2 && input[begin] == '[' && input[end - 1] == ']', "a result is no list");
                if (!isBlank(input, begin + 1, end - 1)) {
                    separate();
                    json.write(input, begin + 1, end - begin - 2);
                }
            }
            json.write(']');
            first = false;
        }

        private static boolean isBlank(byte[] json, int begin, int end) {
            for (int i = begin; i < end; i++) {
                if (json[i] > ' ' || json[i] < 0) {
                    return false;
                }
            }
            return true;
        }

        private void value(byte[] input) {
            separate();
            json.writeBytes(input);
        }

        private void separate() {
            if (!first) {
                json.write(',');
            }
            first = false;
        }

        private byte[] take() {
            ensure(next < inputs.size(), "it takes more");
            return inputs.get(next++);
        }

        private int number(String shape, int begin, int end) {
            ensure(end > begin && end - begin <= 9 && end <= shape.length(), "no number at " + begin);
            return Integer.parseInt(shape, begin, end, 10);
        }

        private static void ensure(boolean holds, String otherwise) {
            if (!holds) {
                throw new IllegalArgumentException(otherwise);
            }
        }
    }
}
