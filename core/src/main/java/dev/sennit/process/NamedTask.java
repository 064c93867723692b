package dev.sennit.process;

import dev.sennit.Task;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * A task as it travels whose submitter gave it a name: the worker's thread has that name while the task runs. A task
 * without a name travels as it is.
 */
record NamedTask<T extends @Nullable Object>(Callable<T> body, String name) implements Task<T> {
    private static final long serialVersionUID = 1L;

    @Override
    public T call() throws Exception {
        Thread thread = Thread.currentThread();
        String before = thread.getName();
        thread.setName(name);
        try {
            return body.call();
        } finally {
            thread.setName(before);
        }
    }
}
