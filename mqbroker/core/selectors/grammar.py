"""The grammar of selectors: SQL-92's conditions as JMS 2.0 §3.8.1 has them, from the weakest operator to the strongest.

    OR;  AND;  NOT;  = <> IS [NOT] NULL;  < <= > >= LIKE BETWEEN IN;  + -;  * / %;  unary + -;  parentheses

NOT binds as in SQL: `NOT i = 6` is NOT (i = 6). Keywords are written in any case, comments as in SQL and in C.
functions.py has ActiveMQ's functions, and xpath what is in bodies.
"""

GRAMMAR = r"""
?start: disjunction

?disjunction: conjunction
    | conjunction (_OR conjunction)+                           -> any_of
?conjunction: negation
    | negation (_AND negation)+                                -> all_of
?negation: equality
    | NOT negation                                             -> negated

?equality: relation
    | equality EQUAL relation                                  -> equal
    | equality UNEQUAL relation                                -> unequal
    | equality _IS _NULL                                       -> is_null
    | equality _IS NOT _NULL                                   -> is_not_null

?relation: sum
    | relation ORDER sum                                       -> ordered
    | relation _LIKE STRING                                    -> like
    | relation _LIKE STRING _ESCAPE STRING                     -> like
    | relation NOT _LIKE STRING                                -> not_like
    | relation NOT _LIKE STRING _ESCAPE STRING                 -> not_like
    | relation _BETWEEN sum _AND sum                           -> between
    | relation NOT _BETWEEN sum _AND sum                       -> not_between
    | relation _IN "(" STRING ("," STRING)* ")"                -> among
    | relation NOT _IN "(" STRING ("," STRING)* ")"            -> not_among

?sum: product
    | sum SIGN product                                         -> calculated
?product: unary
    | product FACTOR unary                                     -> calculated
?unary: atom
    | SIGN unary                                               -> signed

?atom: "(" disjunction ")"
    | NUMBER                                                   -> number
    | STRING                                                   -> string
    | TRUTH                                                    -> truth
    | NAME                                                     -> name
    | NAME "(" (disjunction ("," disjunction)*)? ")"           -> called
    | _XPATH STRING                                            -> looked_into
    | _XQUERY STRING                                           -> queried

_OR.2: /or(?![\w$])/i
_AND.2: /and(?![\w$])/i
NOT.2: /not(?![\w$])/i
_IS.2: /is(?![\w$])/i
_NULL.2: /null(?![\w$])/i
_LIKE.2: /like(?![\w$])/i
_ESCAPE.2: /escape(?![\w$])/i
_BETWEEN.2: /between(?![\w$])/i
_IN.2: /in(?![\w$])/i
_XPATH.2: /xpath(?=\s*')/i
_XQUERY.2: /xquery(?=\s*')/i
TRUTH.2: /(true|false)(?![\w$])/i

EQUAL: "="
UNEQUAL: "<>"
ORDER: /[<>]=|[<>](?![=>])/
SIGN: /[+-]/
FACTOR: /[*\/%]/

NUMBER: /([0-9]+\.[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?(?![\w$.])/
    | /[0-9]+[eE][+-]?[0-9]+(?![\w$.])/
    | /0[xX][0-9a-fA-F]+(?![\w$.])/
    | /[0-9]+[lL]?(?![\w$.])/
STRING: /'([^']|'')*'/
NAME: /[^\W\d][\w$]*|\$[\w$]*/

%ignore /\s+/
%ignore /--[^\n]*/
%ignore /\/\*(.|\n)*?\*\//
"""
