package dev.sennit.queue;

import java.util.List;

/**
 * Names the task types of an application, so that workers find them by themselves: a service of
 * {@link java.util.ServiceLoader}. {@code QueueWorker.builder} takes those of all providers on the path.
 *
 * {@snippet :
 * import dev.sennit.queue.*;
 * import java.util.List;
 *
 * class ThumbnailTasks implements TaskTypeProvider {
 *     static final TaskType<String, Integer> LENGTH = TaskType.of("text.length", String.class, String::length);
 *
 *     @Override
 *     public List<TaskType<?, ?>> taskTypes() {
 *         return List.of(LENGTH);
 *     }
 * }
 * }
 */
public interface TaskTypeProvider {
    /**
     * Returns the types.
     *
     * @return the types; each has its code
     */
    List<TaskType<?, ?>> taskTypes();
}
