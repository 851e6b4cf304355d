"""What the form of the code forbids, found in syntax trees: two names a line, a flag by position.

Each function returns the nodes that break its rule; tests/project/test_form.py says why they do.
"""

import ast

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DISPLAYS = (ast.Tuple, ast.List)
# These take a value, for which True is as good as any other: it is not a flag there.
OF_PYTHON = ("append", "bool", "fromkeys", "get", "getattr", "setattr", "setdefault")
OF_OTHERS = ("array", "claim", "claim_with", "param")
TAKE_VALUES = OF_PYTHON + OF_OTHERS


def parallel_assignments(tree):
    """`a, b = 1, 2`; neither a swap, `a, b = b, a`, nor the unpacking of one value."""
    assignments = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    return [node for node in assignments if _is_parallel(node)]


def _is_parallel(assignment):
    value = assignment.value
    if isinstance(value, ast.IfExp):  # a, b = (1, 2) if choice else (3, 4)
        value = value.body
    targets = [target for target in assignment.targets if isinstance(target, DISPLAYS)]
    return isinstance(value, DISPLAYS) and any(_names(to) != _names(value) for to in targets)


def _names(display):
    """What a display holds, in one order: a swap has the same on both sides."""
    return sorted(map(ast.unparse, display.elts))


def walruses_in_comprehensions(tree):
    """`[y for x in xs if (y := f(x))]`."""
    inside = [
        node
        for comprehension in ast.walk(tree)
        if isinstance(comprehension, COMPREHENSIONS)
        for node in ast.walk(comprehension)
    ]
    return list(dict.fromkeys(node for node in inside if isinstance(node, ast.NamedExpr)))


def lambdas_with_defaults(tree):
    """`lambda x, k=k: k * x`."""
    lambdas = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
    return [node for node in lambdas if node.args.defaults or any(node.args.kw_defaults)]


def dicts_as_conditions(tree):
    """`{True: a, False: b}[choice]` and `{...}.get(choice)`, made to be looked up once."""
    looked_up = [node.value for node in ast.walk(tree) if isinstance(node, ast.Subscript)]
    methods = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    looked_up += [node.value for node in methods if node.attr == "get"]
    return [node for node in looked_up if isinstance(node, ast.Dict)]


def flags_by_position(tree):
    """`f(x, True)`: the reader cannot see what is true."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if called_name(call) not in TAKE_VALUES and _has_flag(call)]


def _has_flag(call):
    values = [node.value for node in call.args if isinstance(node, ast.Constant)]
    return any(isinstance(value, bool) for value in values)


def called_name(call):
    """`setattr` for both `setattr(...)` and `patch.setattr(...)`."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def functions(tree):
    """All functions and methods of a tree, also those inside others."""
    return [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]


def statements(function):
    """How many statements a function has, those inside its blocks included.

    Its docstring does not count. A function or class inside it counts as one: it is measured
    by itself.
    """
    return sum(_count(node) for node in function.body) - (ast.get_docstring(function) is not None)


def _count(node):
    here = int(isinstance(node, ast.stmt))
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        return here
    return here + sum(map(_count, ast.iter_child_nodes(node)))
