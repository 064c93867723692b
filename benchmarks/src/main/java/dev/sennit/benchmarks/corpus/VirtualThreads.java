package dev.sennit.benchmarks.corpus;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MemberReferenceTree;
import com.sun.source.tree.MemberSelectTree;
import com.sun.source.tree.MethodInvocationTree;
import com.sun.source.tree.NewClassTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreeScanner;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Changes a source so that its platform threads become virtual ones, which a schedule can run:
 *
 * <pre>
 * new Thread(task)           ScheduledThreads.thread(task)
 * new Thread(name) { ... }   new StandIn(name) { ... }.thread()
 * class A extends Thread     class A extends StandIn
 * Thread::new                ScheduledThreads::thread
 * Executors.newXxx(...)      ScheduledThreads.newXxx(...)
 * </pre>
 */
final class VirtualThreads extends TreeScanner<Void, Void> {
    private static final Set<String> THREAD = Set.of("Thread", "java.lang.Thread");
    private static final Set<String> EXECUTORS = Set.of("Executors", "java.util.concurrent.Executors");
    private static final Set<String> POOLS = Set.of(
            "newFixedThreadPool", "newCachedThreadPool", "newSingleThreadExecutor", "newScheduledThreadPool",
            "newSingleThreadScheduledExecutor");

    private final CompilationUnitTree unit;
    private final SourcePositions positions;
    /** The last first, so that those before stay where they are. */
    private final PriorityQueue<Edit> edits = new PriorityQueue<>(Comparator.comparingInt(Edit::from).reversed());

    private record Edit(int from, int to, String text) {}

    private VirtualThreads(CompilationUnitTree unit, SourcePositions positions) {
        this.unit = unit;
        this.positions = positions;
    }

    static String in(CompilationUnitTree unit, SourcePositions positions, String source) {
        var changes = new VirtualThreads(unit, positions);
        changes.scan(unit, null);
        var text = new StringBuilder(source);
        for (Edit edit = changes.edits.poll(); edit != null; edit = changes.edits.poll()) {
            text.replace(edit.from, edit.to, edit.text);
        }
        return text.toString();
    }

    @Override
    public @Nullable Void visitNewClass(NewClassTree tree, Void nothing) {
        if (isThread(tree.getIdentifier())) {
            if (tree.getClassBody() == null) {
                edit(start(tree), end(tree.getIdentifier()), ScheduledThreads.class.getName() + ".thread");
            } else {
                replace(tree.getIdentifier(), StandIn.class);
                edit(end(tree), end(tree), ".thread()");
            }
        }
        return super.visitNewClass(tree, nothing);
    }

    @Override
    public @Nullable Void visitClass(ClassTree tree, Void nothing) {
        if (tree.getExtendsClause() != null && isThread(tree.getExtendsClause())) {
            replace(tree.getExtendsClause(), StandIn.class);
        }
        return super.visitClass(tree, nothing);
    }

    @Override
    public @Nullable Void visitMemberReference(MemberReferenceTree tree, Void nothing) {
        if (tree.getMode() == MemberReferenceTree.ReferenceMode.NEW && isThread(tree.getQualifierExpression())) {
            edit(start(tree), end(tree), ScheduledThreads.class.getName() + "::thread");
        }
        return super.visitMemberReference(tree, nothing);
    }

    @Override
    public @Nullable Void visitMethodInvocation(MethodInvocationTree tree, Void nothing) {
        if (tree.getMethodSelect() instanceof MemberSelectTree called
                && POOLS.contains(called.getIdentifier().toString())
                && EXECUTORS.contains(called.getExpression().toString())) {
            replace(called.getExpression(), ScheduledThreads.class);
        }
        return super.visitMethodInvocation(tree, nothing);
    }

    private static boolean isThread(Tree type) {
        return THREAD.contains(type.toString());
    }

    private void replace(Tree type, Class<?> by) {
        edit(start(type), end(type), by.getName());
    }

    private void edit(int from, int to, String text) {
        edits.add(new Edit(from, to, text));
    }

    private int start(Tree tree) {
        return (int) positions.getStartPosition(unit, tree);
    }

    private int end(Tree tree) {
        return (int) positions.getEndPosition(unit, tree);
    }
}
